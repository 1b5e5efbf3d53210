import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, records, store, type TestIssuer, variables } from '../support/gate-client.ts'

// A caller who asks again and again, and what its answers and the log say of it.

const HOME = '203.0.113.5'
const ELSEWHERE = '198.51.100.77'
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  // On Workers the address is the platform's own; elsewhere a proxy in front would set it.
  gate = await startGate({ vars: { ...variables(idp), ADDRESS_HEADER: 'cf-connecting-ip' } })
})
afterAll(() => gate.stop())

async function ask(path: string, login: Record<string, string>, ip: string) {
  const headers = { ...login, 'CF-Connecting-IP': ip }
  const response = await fetch(gate.url + path, { headers })
  const body = await response.text()
  const id = /urn:uuid:([0-9a-f-]{36})/.exec(body)?.[1] ?? ''
  return { status: response.status, id, waits: response.headers.has('retry-after') }
}

test('a stranger who polls an id cannot see the moment at which the recording is stored', async () => {
  const login = await idp.bearer('curious')
  const answers = []
  for (let i = 0; i < 8; i++) {
    if (i === 5) await store(gate, idp, '/recordings/consult-42', 'patient-2', 'x')
    answers.push(await ask('/recordings/consult-42', login, HOME))
  }
  expect(answers.map(({ status, waits }) => [status, waits])).toEqual(answers.map((_, i) => [404, i >= 3]))
  const standing = answers[3]?.id
  expect(answers.slice(3).map(({ id }) => id)).toEqual(Array(5).fill(standing))
  const about = (await denials(gate, idp)).filter(({ recording }) => recording === 'consult-42')
  const found = about.find(({ reason }) => reason === 'not_owner')
  expect(found?.repeats).toEqual({ of: standing, count: 1 })
  expect(found?.id).not.toBe(standing)
})

test('the log shows a stolen token in each network that it is used from, in refusals and in views', async () => {
  const login = await idp.bearer('patient-1')
  await store(gate, idp, '/recordings/mine', 'patient-1', 'x'.repeat(1000))
  await store(gate, idp, '/recordings/theirs', 'patient-2', 'x')
  for (const ip of [HOME, ELSEWHERE]) {
    for (let i = 0; i < 5; i++) await ask('/recordings/theirs', login, ip)
    expect((await ask('/recordings/mine', login, ip)).status).toBe(200)
  }
  const networks = ['203.0.113.0/24', '198.51.100.0/24']
  const refused = (await denials(gate, idp)).filter(({ recording }) => recording === 'theirs')
  for (const prefix of networks)
    expect(refused.filter(({ net }) => net?.prefix === prefix).length).toBeGreaterThanOrEqual(4)
  const views = await records(gate, idp, 'view')
  expect(views.map(({ net }) => net?.prefix)).toEqual(networks)
})
