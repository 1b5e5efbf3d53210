import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  records,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

// What the gate records besides what people did. That each record is as the published schema says, `records` checks.

let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
})
afterAll(() => gate.stop())

const bindings = async (recording: string) =>
  (await records(gate, idp, 'binding')).filter(event => event.recording === recording)

test('a recording that is stored in thirty parts, eight at once, is bound by one record', async () => {
  const parts = Array.from({ length: 30 }, (_, i) => `/recordings/set/${i}.ts`)
  for (let i = 0; i < parts.length; i += 8) {
    const answers = await Promise.all(
      parts.slice(i, i + 8).map(part => store(gate, idp, part, 'patient-1', 'x')),
    )
    expect(answers.every(({ status }) => status === 201)).toBe(true)
  }
  expect(await bindings('set')).toMatchObject([
    { decision: 'permit', action: 'bound', source: 'upload', roles: ['recorder'], issuer: idp.issuer },
  ])
})

test('of recorders that race for one id, each leaves a binding or a refusal that says whom it named', async () => {
  const owners = Array.from({ length: 6 }, (_, i) => `patient-${i}`)
  const answers = await Promise.all(
    owners.map(owner => store(gate, idp, '/recordings/race', owner, `bytes of ${owner}`)),
  )
  const refused = answers.filter(({ status }) => status === 409)
  expect(answers.filter(({ status }) => status === 201).length + refused.length).toBe(owners.length)
  const bound = (await bindings('race')).map(({ owner }) => owner)
  expect(bound[0]).toMatch(/^psn_/)
  const conflicts = await denials(gate, idp)
  for (const response of refused) {
    const id = await instanceOf(response)
    const conflict = conflicts.find(event => event.id === id)
    if (conflict?.reason !== 'binding_conflict') continue
    expect(conflict.named).not.toBe(conflict.owner)
    expect(bound).toContain(conflict.owner)
  }
})

test('each isolate has a heartbeat, and every lower number of it is in the log', async () => {
  await store(gate, idp, '/recordings/set/0.ts', 'patient-2', 'x')
  await expect.poll(() => records(gate, idp, 'heartbeat').then(all => all.length)).toBeGreaterThan(0)
  const [beat] = await records(gate, idp, 'heartbeat')
  expect(beat).not.toHaveProperty('net')
  expect(beat).not.toHaveProperty('subject')
  const { isolate, seq } = beat?.gate ?? { isolate: '', seq: 0 }
  const numbers = (await records(gate, idp)).flatMap(event =>
    event.gate.isolate === isolate && event.gate.seq <= seq ? event.gate.seq : [],
  )
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: seq }, (_, i) => i + 1))
})

test('a process that is stopped leaves a last heartbeat, after all its other records', async () => {
  const { data } = gate
  await gate.stop()
  gate = await startGate({ vars: variables(idp), data })
  const all = await records(gate, idp)
  const last = all.filter(event => event.kind === 'heartbeat' && event.final === true)
  // Workers end an isolate without a word.
  expect(last).toHaveLength(RUNTIME === 'workerd' ? 0 : 1)
  for (const { gate: by } of last) {
    const numbers = all.flatMap(event => (event.gate.isolate === by.isolate ? event.gate.seq : []))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: by.seq }, (_, i) => i + 1))
  }
})
