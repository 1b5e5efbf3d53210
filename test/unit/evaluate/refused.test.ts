import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { AccessEvent, MediawardOptions } from '../../../src/index.ts'
import { createPseudonymizer } from '../../../src/ledger/pseudonym.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { PSEUDONYM_KEY } from '../../support/issuer.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { sample } from '../../support/sample.ts'
import { storeWith } from '../../support/store-with.ts'

// A refused call says whom and what it asked about: a thief who asks which recordings of others there are is found.

let gate: MemoryGate
let login: Record<string, string>
const nameOf = (id: string) => createPseudonymizer(PSEUDONYM_KEY)('subject', gate.idp.issuer, id)

beforeEach(() => start())

async function start(options: Partial<MediawardOptions> = {}): Promise<void> {
  gate = await memoryGate(options)
  login = await gate.idp.bearer('patient-9')
}

/** Makes a call, and reads the record of its refusal; undefined if it was answered. */
async function refusalOf(body: unknown, path = '/access/v1/evaluations'): Promise<AccessEvent | undefined> {
  const response = await gate.fetch(path, {
    method: 'POST',
    headers: { ...login, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  if (response.ok) return undefined
  const { instance } = (await response.json()) as { instance: string }
  const { entries } = await gate.ledger.read({ limit: 100_000, kind: 'access' })
  const json = entries.find(({ id }) => instance.endsWith(id))?.json ?? '{}'
  expect(Buffer.byteLength(json)).toBeLessThan(65_536)
  return JSON.parse(json)
}

const user = (id: string, properties = {}) => ({ type: 'user', id, properties })
const resource = (id: string) => ({ type: 'recording', id })
const action = { name: 'play' }

test('the record of a refused call about other people names the recordings, and the people by pseudonyms', async () => {
  const evaluations = [
    { resource: resource('rec-1') },
    { resource: resource('rec-2'), subject: user('patient-3') },
    { resource: resource('rec-1') },
  ]
  expect(await refusalOf({ subject: user('patient-2'), action, evaluations })).toMatchObject({
    reason: 'role_missing',
    subject: await nameOf('patient-9'),
    asked: {
      questions: 3,
      subjects: [await nameOf('patient-2'), await nameOf('patient-3')],
      recordings: ['rec-1', 'rec-2'],
    },
  })
  const single = { subject: user('patient-2'), action, resource: resource('rec-1'), evaluations }
  expect(await refusalOf(single, '/access/v1/evaluation')).toMatchObject({
    asked: { questions: 1, subjects: [await nameOf('patient-2')], recordings: ['rec-1'] },
  })
})

test('the record of a malformed call names what it asked about, as far as it can be read', async () => {
  const tooMany = Array.from({ length: 1001 }, (_, i) => ({ resource: resource(`rec-${i}`) }))
  const asked = (await refusalOf({ subject: user('patient-2'), action, evaluations: tooMany }))?.asked
  expect(asked).toMatchObject({ questions: 1001, subjects: [await nameOf('patient-2')] })
  expect(asked?.recordings).toHaveLength(256)
  const unnamed = { subject: user('patient-2'), evaluations: [{ resource: resource('rec-1') }] }
  expect(await refusalOf(unnamed)).toMatchObject({
    reason: 'question_invalid',
    asked: { questions: 1, subjects: [await nameOf('patient-2')], recordings: ['rec-1'] },
  })
  expect(await refusalOf([1])).toMatchObject({ asked: { questions: 1, subjects: [], recordings: [] } })
  expect(await refusalOf('{')).not.toHaveProperty('asked')
})

test('a call that ends in a fault is recorded with what it asked about, and an answered call is not', async () => {
  const fails = async () => Promise.reject(new Error('down'))
  await start({ store: storeWith(createMemoryStore(), { find: fails, stampBelow: fails }) })
  const call = { subject: user('patient-9'), action, evaluations: [{ resource: resource('rec-1') }] }
  expect(await refusalOf(call)).toMatchObject({
    reason: 'store_unavailable',
    asked: { recordings: ['rec-1'] },
  })
  await start()
  expect(await refusalOf(call)).toBeUndefined()
  expect((await gate.events()).map(({ asked }) => asked)).toEqual([undefined])
})

test('no refused call is counted into the record of another', async () => {
  const ids = Array.from({ length: 20 }, (_, i) => `patient-${i + 20}`)
  for (const id of ids) {
    const call = { subject: user(id), action, resource: resource('rec-1') }
    expect((await refusalOf(call))?.asked?.subjects).toEqual([await nameOf(id)])
  }
})

test('whatever a call holds, the record of its refusal is bounded and names no person', async () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('play', 'rec-1', 'x'.repeat(300)))
  const member = (name: string) => fc.constant({ type: name === 'subject' ? 'user' : 'recording' })
  const named = (name: string) =>
    fc.oneof(
      fc.jsonValue(),
      fc.tuple(member(name), text).map(([type, id]) => ({ ...type, id: `person ${id}` })),
      fc.nat(3000).map(i => ({ type: name === 'subject' ? 'user' : 'recording', id: `secret-${i}` })),
    )
  const item = fc.oneof(fc.jsonValue(), fc.record({ subject: named('subject'), resource: named('resource') }))
  const call = fc.record({
    subject: named('subject'),
    evaluations: fc.oneof(fc.jsonValue(), fc.array(item, { maxLength: 40 })),
  })
  await fc.assert(
    fc.asyncProperty(call, async body => {
      const record = await refusalOf(body)
      expect(JSON.stringify(record?.asked?.subjects ?? [])).not.toMatch(/person|secret/)
      expect(JSON.stringify({ ...record, asked: undefined })).not.toMatch(/person|secret/)
      expect(JSON.stringify(record?.asked?.recordings ?? [])).not.toMatch(/person/)
    }),
    sample(100, 3000),
  )
})
