import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../../src/cli/terminal.ts'
import { startGate } from '../support/gate.ts'
import { createIssuer, variables } from '../support/gate-client.ts'
import { LiveClient } from '../support/live-client.ts'
import { Client, getFromNewNetwork } from './client.ts'
import type { Findings } from './report.ts'
import { figuresOf } from './statistics.ts'
import { type Operation, type Row, row } from './table.ts'

/** Refusals a second. */
const RATE = 500
/** For how long, in milliseconds, and how much of it before anything is measured. */
const DURATION = 30_000
const WARM_UP = 5_000
/** Connections, many enough that no refusal waits for another. */
const CONNECTIONS = 128
/** Clients that follow the log at the same time. */
const FOLLOWERS = 3
/** In milliseconds, of 99 % of the records. */
const PROMPT: Operation = { is: '<=', limit: 500 }
/** A rate below this share of the one wanted isn't what is measured. */
const FULL: Operation = { is: '>=', limit: 0.95 * RATE }

/** How far clients that follow the log are behind it, under a load of refusals. */
export async function benchFollowers(): Promise<Findings> {
  const others: Row[] = []
  for (const runtime of ['node', 'deno', 'workerd']) others.push(...(await follow(runtime)))
  return { measured: [], others, ratios: [] }
}

async function follow(runtime: string): Promise<readonly Row[]> {
  say(`${FOLLOWERS} clients follow the log of ${runtime} at ${RATE} refusals a second …`)
  const idp = await createIssuer()
  const gate = await startGate({
    runtime,
    vars: { ...variables(idp), ADDRESS_HEADER: 'cf-connecting-ip' },
  })
  const analyst = await idp.bearer('analyst-1', { roles: ['security'] })
  const url = `${gate.url}/console/api/records?kind=access`
  const followers = await Promise.all(Array.from({ length: FOLLOWERS }, () => LiveClient.open(url, analyst)))
  const began = performance.now()
  const sent = await refuse(gate.port, began)
  const elapsed = performance.now() - began
  const latest = performance.now() + 10_000
  while (followers.some(({ events }) => events.length < sent) && performance.now() < latest) await sleep(50)
  const lags = followers.flatMap(({ events }) =>
    // The record says when the gate wrote it, and this is the same machine.
    events
      .filter(({ at }) => at > began + WARM_UP)
      .map(({ at, record }) => performance.timeOrigin + at - Date.parse(record.recorded ?? record.t)),
  )
  const missed = followers.some(({ ids }) => new Set(ids).size !== sent || ids.length !== sent)
  await Promise.all(followers.map(follower => follower.close()))
  await gate.stop()
  if (missed) throw new Error(`a client that follows the log of ${runtime} missed records, or got some twice`)
  const { p50, p99 } = figuresOf([{ times: lags, elapsed, cpu: 0 }])
  const of = (what: string) => `${FOLLOWERS} followers, ${runtime}: ${what}`
  return [
    row(of('refusals'), (sent / elapsed) * 1000, 'refusals/s', FULL),
    row(of('lag p50'), p50, 'ms'),
    row(of('lag p99'), p99, 'ms', PROMPT),
    row(
      of('lag, most'),
      lags.reduce((most, lag) => Math.max(most, lag), 0),
      'ms',
    ),
  ]
}

/** Sends refusals at an even rate. Each comes from another network, so each has a record. Resolves to their number. */
async function refuse(port: number, began: number): Promise<number> {
  let sent = 0
  const work = async () => {
    const client = await Client.open(port)
    for (;;) {
      const number = sent
      const due = began + (number * 1000) / RATE
      if (Math.max(due, performance.now()) > began + DURATION) break
      sent += 1
      await sleep(Math.max(0, due - performance.now()))
      const request = getFromNewNetwork(`/recordings/none-${number}`, {})
      await client.send({ request, status: 401, recorded: true })
    }
    client.close()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  return sent
}
