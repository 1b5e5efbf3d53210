import { Agent, request } from 'node:http'
import { expect, test, vi } from 'vitest'
import type { RecordCount } from '../../src/ledger/ledger.ts'
import { expectHours } from '../support/expected-counts.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { LONG } from '../support/sample.ts'
import { SinkServer } from '../support/sink-server.ts'

// "no denial without a record": the gate is killed under a load of refusals, again and again, on one data folder.
// Every refusal that a client has received must be there after the restart. No index is given twice or left out, and what
// follows the log gets all of it.

const RUNS = LONG ? 200 : 15
const CLIENTS = 16

test(`no denial without a record: a gate killed ${RUNS} times under load loses no refusal that a client got`, {
  timeout: 60_000 + RUNS * 20_000,
}, async () => {
  const idp = await createIssuer()
  const sink = await SinkServer.start()
  const vars = {
    ...variables(idp),
    HOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    SINKS: JSON.stringify([
      { type: 'webhook', url: sink.url, secret: { secret: 'HOOK_SECRET' }, allow_internal: true },
    ]),
  }
  const stranger = await idp.bearer('patient-2')
  let gate = await startGate({ vars })
  await store(gate, idp, '/recordings/rec-1', 'patient-1', patterned(1000))

  const received = new Set<string>()
  for (let run = 0; run < RUNS; run++) {
    const before = received.size
    const load = refuseUntilGone(gate, stranger, received)
    // Long enough for the gate to be in the middle of it, never at the same point of it.
    const many = LONG ? Math.floor(Math.random() * 120) : 17 * (run % 7)
    while (received.size < before + 40 + many) await new Promise(resolve => setTimeout(resolve, 5))
    await gate.kill()
    await load
    gate = await startGate({ vars, data: gate.data, port: gate.port })
    const recorded = new Set((await denials(gate, idp)).map(({ id }) => id))
    expect(
      [...received].filter(id => !recorded.has(id)),
      `lost in run ${run}`,
    ).toEqual([])
  }
  expect(received.size).toBeGreaterThan(RUNS * 40)

  const indexed = await readCounted(gate, idp)
  expect(indexed.map(({ index }) => index)).toEqual(indexed.map((_, i) => i))
  expect(new Set(indexed.map(({ record }) => record.id)).size).toBe(indexed.length)
  const expected = indexed.map(({ index, record }) => `${index} ${record.id}`)
  // What was under way at a kill comes again. Without that, all of it came in the order of the log.
  const first = () => [
    ...new Set(sink.bodies.map(({ data }) => `${(data as Data).index} ${(data as Data).id}`)),
  ]
  await vi.waitFor(() => expect(first().slice(0, expected.length)).toEqual(expected), {
    timeout: 60_000,
    interval: 1_000,
  })
  await gate.stop()
  sink.stop()
})

interface Data {
  readonly index: number
  readonly id: string
}

interface Indexed {
  readonly index: number
  readonly record: { readonly id: string }
}

/** Returns all records in the order of the log, and expects that the gate has counted each of them once, and no other. */
async function readCounted(gate: RunningGate, idp: TestIssuer): Promise<readonly Indexed[]> {
  const headers = await idp.bearer('analyst-1', { roles: ['security'] })
  const since = new Date(Date.now() - 24 * 3_600_000).toISOString()
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const count = async () => {
    const query = `by=hour&since=${since}&until=${until}`
    return linesOf<RecordCount>(await fetch(`${gate.url}/console/api/counts?${query}`, { headers }))
  }
  for (let before = await count(); ; ) {
    const indexed = await readIndexed(gate, headers)
    const counts = await count()
    // A look, a heartbeat and bytes that left may get an index in between, and be in the counts alone.
    if (JSON.stringify(counts) === JSON.stringify(before)) {
      expectHours(
        counts,
        indexed.map(({ record }) => JSON.stringify(record)),
      )
      return indexed
    }
    before = counts
  }
}

async function readIndexed(gate: RunningGate, headers: Record<string, string>): Promise<readonly Indexed[]> {
  const found: Indexed[] = []
  for (let after: string | undefined = '', more = true; more; ) {
    const query: string = after === '' ? '' : `&after=${after}`
    const response = await fetch(`${gate.url}/console/api/records?indexed=true${query}`, { headers })
    found.push(...(await linesOf<Indexed>(response)))
    after = response.headers.get('mediaward-cursor') ?? undefined
    more = response.headers.has('mediaward-more')
  }
  return found
}

async function linesOf<Line>(response: Response): Promise<readonly Line[]> {
  expect(response.status).toBe(200)
  const lines = (await response.text()).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Line)
}

let another = 0

/**
 * Asks for another patient's recording, and without a token, until nothing answers. Half of the clients ask for the same
 * recording and are counted; the other half ask for another one each time.
 */
async function refuseUntilGone(
  gate: RunningGate,
  login: Record<string, string>,
  received: Set<string>,
): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const client = async (number: number) => {
    for (;;) {
      const headers = number % 4 === 0 ? {} : login
      const recording = number % 2 === 0 ? `rec-1-${++another}` : 'rec-1'
      const body = await ask(`${gate.url}/recordings/${recording}`, agent, headers)
      if (body === undefined) return
      received.add((JSON.parse(body) as { instance: string }).instance.slice('urn:uuid:'.length))
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  agent.destroy()
}

/** The whole body of an answer; undefined where none came, or not to its end. */
function ask(url: string, agent: Agent, headers: Record<string, string>): Promise<string | undefined> {
  return new Promise(resolve => {
    const gone = () => resolve(undefined)
    request(url, { agent, headers }, response => {
      let body = ''
      response.on('data', chunk => {
        body += chunk
      })
      response.on('end', () => resolve(response.complete ? body : undefined))
      response.on('error', gone)
    })
      .on('error', gone)
      .end()
  })
}
