import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, store, type TestIssuer, variables } from '../support/gate-client.ts'

// A stranger who asks for hundreds of made-up names in a minute, next to a patient in the same network.

const STRANGER = '203.0.113.5'
const NEIGHBOUR = '203.0.113.77'
const NETWORK = '203.0.113.0/24'
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  // On Workers the address is the platform's own; elsewhere a proxy in front would set it.
  gate = await startGate({ vars: { ...variables(idp), ADDRESS_HEADER: 'cf-connecting-ip' } })
})
afterAll(() => gate.stop())

let names = 0
async function ask(login: Record<string, string> = {}, ip = STRANGER, name = `made-up-${++names}`) {
  const began = performance.now()
  const response = await fetch(`${gate.url}/recordings/${name}`, {
    headers: { ...login, 'CF-Connecting-IP': ip },
  })
  const body = await response.text()
  const took = performance.now() - began
  const id = /urn:uuid:([0-9a-f-]{36})/.exec(body)?.[1] ?? ''
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'date'))
  return { id, took, seen: { status: response.status, headers, body: body.replace(id, 'ID') } }
}
async function askTimes(times: number, login?: Record<string, string>) {
  const answers = []
  for (let i = 0; i < times; i += 25) {
    answers.push(...(await Promise.all(Array.from({ length: Math.min(25, times - i) }, () => ask(login)))))
  }
  return answers
}

test('a flood makes 301 records and a sum, a patient in its network one each, and the answers look the same', async () => {
  await store(gate, idp, '/recordings/consult-1', 'patient-1', 'x')
  const forged = { Authorization: `Bearer ${(await idp.token('patient-2')).slice(0, -20)}${'A'.repeat(20)}` }
  const [forgedBefore] = await askTimes(1, forged)
  const plain = await askTimes(299)
  const flood = await askTimes(300)
  const expired = { Authorization: `Bearer ${await idp.token('patient-2', { exp: 1_000 })}` }
  const tokens = { expired: await askTimes(5, expired), forged: await askTimes(5, forged) }
  const patient = []
  for (let i = 0; i < 5; i++) patient.push(await ask(await idp.bearer('patient-2'), NEIGHBOUR, 'consult-1'))

  const [first] = plain
  expect(first?.seen.status).toBe(401)
  for (const { seen } of flood) expect(seen).toEqual(first?.seen)
  for (const { seen } of [...tokens.expired, ...tokens.forged]) expect(seen).toEqual(forgedBefore?.seen)
  const all = [...plain, ...flood, ...tokens.expired, ...tokens.forged]
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
  // Whatever their record, they leave in the same timing slot.
  for (const { took } of [...flood.slice(1), ...tokens.expired, ...tokens.forged]) {
    expect(took).toBeGreaterThan(95)
  }

  const reasons = async (reason: string) => (await denials(gate, idp)).filter(one => one.reason === reason)
  const missing = await reasons('token_missing')
  const opening = missing.find(({ sum }) => sum !== undefined)
  expect(missing).toHaveLength(300)
  expect(opening).toMatchObject({ net: { prefix: NETWORK }, sum: { until: expect.any(String) } })
  expect((await reasons('token_expired')).map(({ id }) => id).sort()).toEqual(
    tokens.expired.map(({ id }) => id).sort(),
  )
  expect((await reasons('not_owner')).length).toBeGreaterThanOrEqual(4)
  expect(patient.map(({ seen }) => seen.status)).toEqual(Array(5).fill(404))

  // Written when the flood has been over for a while, by a request that ended long before.
  const sums = async () =>
    (await reasons('token_missing')).flatMap(({ sum }) => (sum && 'of' in sum ? sum : []))
  await expect.poll(sums, { timeout: 40_000, interval: 1_000 }).toHaveLength(1)
  const [sum] = await sums()
  const ids = flood.map(({ id }) => id)
  expect(sum).toMatchObject({ of: opening?.id, count: 299 })
  expect([sum?.first, sum?.last, ...(sum?.sample ?? [])].filter(id => !ids.includes(id ?? ''))).toEqual([])
  expect(sum?.sample).toHaveLength(20)
}, 90_000)
