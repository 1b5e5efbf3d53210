import { beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { StorageFault } from '../../../src/index.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { instanceOf } from '../../support/gate-client.ts'
import type { Asking } from '../../support/memory-gate.ts'
import { type OwnedGate, ownedGate } from '../../support/owned-gate.ts'
import { storeWith } from '../../support/store-with.ts'

// An owner source that fails: 503, for the owner too, and nothing of it reaches an answer or the log.

const SECRET = 'postgres://gate:hunter2@db/owners of patient-1'
const FAILURES: Readonly<Record<string, () => unknown>> = {
  rejects: () => Promise.reject(new Error(SECRET)),
  'rejects with a string': () => Promise.reject(SECRET),
  'rejects with nothing': () => Promise.reject(undefined),
  'throws at once': () => {
    throw new TypeError(SECRET, { cause: new Error(SECRET) })
  },
  'returns a string': () => SECRET,
  'returns a number': () => 7,
  'returns a list of rows': () => [{ owner: 'patient-1' }],
  'returns a row without an owner': () => ({ patient_id: 'patient-1' }),
  'returns an owner that is a number': () => ({ owner: 1 }),
  'returns an object that throws': () => ({
    get owner() {
      throw new Error(SECRET)
    },
  }),
}
const WAYS: readonly (readonly [string, Asking])[] = [
  ['/recordings/rec-1', {}],
  ['/recordings/rec-1', { method: 'HEAD' }],
  ['/recordings/rec-1', { headers: { range: 'bytes=1-2' } }],
  ['/recordings/rec-1', { headers: { range: 'bytes=9999-' } }],
  ['/recordings/rec-1/ticket', { method: 'POST' }],
]

let said: MockInstance<typeof console.error>
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockReturnValue()
})

async function expectUnavailable(gate: OwnedGate, response: Response): Promise<void> {
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('5')
  const text = await response.text()
  expect(text).not.toMatch(/hunter2|patient|owner/)
  const events = await gate.events()
  expect(events.at(-1)).toMatchObject({ reason: 'owner_unavailable', status: 503 })
  expect(events.at(-1)).not.toHaveProperty('owner')
  expect(JSON.stringify(events)).not.toMatch(/hunter2|patient-/)
  expect(said.mock.calls.flat().join()).not.toMatch(/hunter2|patient-/)
}

test.each(
  Object.entries(FAILURES).flatMap(([name, fail]) =>
    [false, true].map(agrees => [name, agrees ? 'in an agreement' : 'alone', fail, agrees] as const),
  ),
)(
  'an owner function that %s (%s) is a recorded 503 that says nothing of it, even to the owner',
  async (_, __, fail, agrees) => {
    const gate = await ownedGate({ 'rec-1': fail }, { agrees })
    for (const [path, init] of WAYS) {
      for (const who of ['patient-1', 'patient-2']) {
        await expectUnavailable(gate, await gate.ask(who, path, init))
      }
    }
    await expectUnavailable(gate, await gate.list('patient-1', 'set', 'rec-1'))
    expect((await gate.events()).filter(({ kind }) => kind !== 'access')).toEqual([])
  },
)

test.each([null, undefined, { owner: null }, { owner: '' }, { owner: undefined, tenant: 'north' }])(
  'an owner function that returns %o knows no owner',
  async answer => {
    const gate = await ownedGate({ 'rec-1': () => answer })
    expect((await gate.ask('patient-1', '/recordings/rec-1')).status).toBe(404)
    expect((await gate.ask('patient-1', '/recordings/rec-1/ticket', { method: 'POST' })).status).toBe(404)
    expect((await gate.events()).map(({ reason }) => reason)).not.toContain('not_owner')
  },
)

test('an owner that is an empty string is never matched by an empty subject', async () => {
  const gate = await ownedGate({ 'rec-1': () => ({ owner: '' }) })
  expect((await gate.ask('', '/recordings/rec-1')).status).toBe(401)
})

test('an owner function that takes over a second is a 503 for every request, and its late answer is ignored', async () => {
  let answer: (owner: unknown) => void = () => {}
  const never = new Promise(resolve => {
    answer = resolve
  })
  const gate = await ownedGate({ 'rec-1': () => never })
  const started = performance.now()
  const waiting = [
    ...WAYS.map(([path, init]) => gate.ask('patient-1', path, init)),
    gate.list('patient-1', 'rec-1'),
    gate.ask('recorder-1', '/recordings/rec-1', {
      method: 'PUT',
      claims: { roles: ['recorder'] },
      headers: { 'mediaward-owner': 'patient-1', 'content-length': '3' },
      body: 'new',
    }),
  ]
  const responses = await Promise.all(waiting)
  const took = performance.now() - started
  expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 503))
  // Many at once take no longer than one. A busy machine gets some time on top.
  expect(took).toBeGreaterThan(950)
  expect(took).toBeLessThan(3000)
  answer({ owner: 'patient-1' })
  const reasons = (await gate.events()).map(({ reason }) => reason)
  expect(new Set(reasons)).toEqual(new Set(['owner_unavailable']))
  expect(said.mock.calls.flat().join()).toContain('the owner source took longer than 1000 ms')
  expect((await gate.ask('patient-1', '/recordings/rec-1')).status).toBe(200)
})

test('the operator reads that the owner source failed, with the event id and the message of a StorageFault', async () => {
  const gate = await ownedGate({ 'rec-1': FAILURES.rejects ?? null })
  const id = await instanceOf(await gate.ask('patient-1', '/recordings/rec-1'))
  expect(said.mock.lastCall).toEqual([`mediaward: owner_unavailable, event ${id}: the owner source failed`])
  gate.known['rec-1'] = () => Promise.reject(new StorageFault('the table of owners is being moved'))
  await gate.ask('patient-1', '/recordings/rec-1')
  expect(said.mock.lastCall?.join()).toContain('the table of owners is being moved')
  gate.known['rec-1'] = () => ({ patient_id: 'patient-1' })
  await gate.ask('patient-1', '/recordings/rec-1')
  expect(said.mock.lastCall?.join()).toContain(
    'the owner lookup must resolve to null or to an object with owner',
  )
})

test.each([
  ['another number of owners than of stamps', () => []],
  ['nothing', () => undefined as never],
  [
    'an error that it throws at once',
    () => {
      throw new Error(SECRET)
    },
  ],
])('an owner source that answers with %s is a recorded 503', async (_, ownersOf) => {
  const gate = await ownedGate({}, { owner: { ownersOf } })
  await expectUnavailable(gate, await gate.ask('patient-1', '/recordings/rec-1'))
})

test('the body of an opened object is cancelled if the owner source fails', async () => {
  const memory = createMemoryStore()
  let cancelled = 0
  const store = storeWith(memory, {
    async open(key, range) {
      const part = await memory.open(key, range)
      if (part === null) return null
      const body = new ReadableStream<Uint8Array>({
        cancel: () => {
          cancelled += 1
        },
      })
      return { ...part, body }
    },
  })
  const gate = await ownedGate({ 'rec-1': FAILURES.rejects ?? null }, { store })
  await expectUnavailable(gate, await gate.ask('patient-1', '/recordings/rec-1'))
  expect(cancelled).toBe(1)
  gate.known['rec-1'] = { owner: 'patient-2' }
  expect((await gate.ask('patient-1', '/recordings/rec-1')).status).toBe(404)
  expect(cancelled).toBe(2)
})
