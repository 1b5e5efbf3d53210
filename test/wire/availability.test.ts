import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, patterned, store, type TestIssuer, variables } from '../support/gate-client.ts'

/** Longest wait of another viewer, in milliseconds: a busy machine needs far less, a blocked gate far more. */
const PROMPT = 10_000

let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  expect((await store(gate, idp, '/recordings/other', 'patient-002', patterned(100))).status).toBe(201)
})
// A blocked gate never handles SIGTERM.
afterAll(() => gate.kill())

/** Requests a path with a subject's token. Rejects when the answer takes longer than PROMPT. */
async function ask(path: string, subject: string): Promise<number> {
  const response = await fetch(gate.url + path, {
    headers: await idp.bearer(subject),
    signal: AbortSignal.timeout(PROMPT),
  })
  await response.arrayBuffer()
  return response.status
}

/** What a request is answered; meanwhile no other viewer may be held up, nor whoever watches over the gate. */
async function whileOthersAsk(asked: Promise<number>): Promise<number | 'too late'> {
  const answered = asked.catch(() => 'too late' as const)
  await new Promise(resolve => setTimeout(resolve, 200))
  const others = [ask('/recordings/other', 'patient-002'), ask('/healthz', 'patient-002')]
  expect(await Promise.all(others)).toEqual([200, 200])
  return answered
}

// Without an ending and of a type that says nothing, so that its first bytes are looked at, stored or opened. Read by one
// expression they would take for ever.
const PATH = '/recordings/notes/summary'
const COMMENTS = '<!---->'.repeat(34)
const put = async (file: string) => (await store(gate, idp, PATH, 'patient-001', file)).status

test('a file that begins with many comments delays no other viewer when it is stored and opened', async () => {
  expect(await whileOthersAsk(put(`${COMMENTS}<p>Notes.</p>`))).toBe(201)
  expect(await whileOthersAsk(ask(PATH, 'patient-001'))).toBe(200)
})

test('a file of many comments that the gate refuses to store delays no other viewer', async () => {
  expect(await whileOthersAsk(put(`${COMMENTS}!`))).toBe(400)
})
