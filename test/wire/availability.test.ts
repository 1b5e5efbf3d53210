import { afterAll, beforeAll, expect, test } from 'vitest'
import { createIssuer, patterned, store, type TestIssuer, variables } from '../support/clinic.ts'
import { type RunningGate, startGate } from '../support/gate.ts'

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
    headers: { Authorization: `Bearer ${await idp.token(subject)}` },
    signal: AbortSignal.timeout(PROMPT),
  })
  await response.arrayBuffer()
  return response.status
}

test('a stored file that begins with many comments delays no other viewer when its patient opens it', async () => {
  const file = `${'<!---->'.repeat(34)}!`
  await store(gate, idp, '/recordings/notes/summary', 'patient-001', file, { 'Content-Type': 'text/plain' })
  const opened = ask('/recordings/notes/summary', 'patient-001').catch(() => 'too late')
  await new Promise(resolve => setTimeout(resolve, 200))
  const others = [ask('/recordings/other', 'patient-002'), ask('/healthz', 'patient-002')]
  expect(await Promise.all(others)).toEqual([200, 200])
  expect(await opened).not.toBe('too late')
})
