import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import {
  createDevelopmentSecrets,
  developmentIssuer,
  saveDevelopmentSecrets,
  signToken,
} from '../development-issuer.ts'
import { member, parseJson } from '../json.ts'
import { freePort, type LocalGate, requirePort, type StartGate } from '../local-gate.ts'
import { UsageError } from '../terminal.ts'
import { type AlertArrival, type Cast, whoseOf } from './gate-under-drill.ts'

/** Loads a runtime only when it is used: the packages of another may not be installed. */
const RUNTIMES: Readonly<Record<string, () => Promise<StartGate>>> = {
  workerd: async () => (await import('../workerd.ts')).startWorkerd,
  node: async () => (await import('../server-process.ts')).createServerStarter('node'),
  deno: async () => (await import('../server-process.ts')).createServerStarter('deno'),
}

/** Everything that a drill needs, on this machine. */
export interface LocalStage {
  readonly url: URL
  readonly cast: Cast
  readonly alerted: AlertArrival
  stop(): Promise<void>
}

/** How long the alert may take, in milliseconds. */
const PATIENCE = 15_000

/** Starts a gate of its own, an issuer and a receiver of alerts. */
export async function startLocalStage(runtime: string, port: number): Promise<LocalStage> {
  const load = Object.hasOwn(RUNTIMES, runtime) ? RUNTIMES[runtime] : undefined
  if (load === undefined) throw new UsageError(`--runtime ${runtime} is unknown`, 'use workerd, deno or node')
  const start = await load()
  const listening = port === 0 ? await freePort() : port
  await requirePort(listening)
  const data = mkdtempSync(join(tmpdir(), 'mediaward-drill-'))
  const development = await createDevelopmentSecrets()
  saveDevelopmentSecrets(data, development)
  const receiver = await startReceiver()
  const alert = {
    ...{ type: 'webhook', url: receiver.url, secret: { secret: 'DRILL_SECRET' } },
    // In this gate alone, which is gone after the drill.
    allow_internal: true,
  }
  let gate: LocalGate | undefined
  const stop = async () => {
    receiver.close()
    await gate?.stop()
    rmSync(data, { recursive: true, force: true })
  }
  try {
    gate = await start(
      listening,
      data,
      {
        ISSUERS: JSON.stringify([developmentIssuer(development)]),
        PSEUDONYM_KEY: development.pseudonymKey,
        DRILLS: 'allow',
        ALERTS: JSON.stringify([alert]),
        DRILL_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
      },
      async () => {},
    )
  } catch (error) {
    await stop()
    throw error
  }
  const tokenOf = (subject: string, roles: readonly string[] = []) =>
    signToken(data, { subject, roles, ttl: 3600, claims: { sid: `${subject}-session` } })
  const person = async (index: number) => {
    const id = `drill-patient-${index + 1}`
    return { id, token: await tokenOf(id), whose: whoseOf(index) }
  }
  return {
    url: new URL(gate.url),
    cast: {
      subjects: [await person(0), await person(1), await person(2)],
      recorder: await tokenOf('drill-recorder', ['recorder']),
      analyst: await tokenOf('drill-analyst', ['security']),
    },
    alerted: receiver.alerted,
    stop,
  }
}

/** Receives alerts, and notes when each came. */
async function startReceiver() {
  const arrived: { readonly at: number; readonly rule: unknown }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const message = parseJson(Buffer.concat(chunks).toString())
      arrived.push({ at: performance.now(), rule: member(member(message, 'data'), 'rule') })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const alerted: AlertArrival = async (since, rules) => {
    for (const until = performance.now() + PATIENCE; performance.now() < until; ) {
      const found = arrived.find(({ at, rule }) => at >= since && rules.some(one => one === rule))
      if (found !== undefined) return found.at
      await wait(5)
    }
    return undefined
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    alerted,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
