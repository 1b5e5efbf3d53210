import { expect, test } from 'vitest'
import { readCall } from '../../../src/evaluate/questions.ts'
import { readJson } from '../../../src/http/read-json.ts'
import { growth, leastCpu } from '../../support/growth.ts'

const ISSUER = 'https://login.clinic.test/'
const ISSUERS = {
  names: new Set([ISSUER]),
  owning: new Set([ISSUER]),
  ownerId: (_: string, id: string) => id,
}
const OWN = { id: 'app-1', issuer: ISSUER, roles: [], token: 'token-1' }
const subject = { type: 'user', id: 'patient-001' }
const action = { name: 'play' }
const about = (id: string) => ({ resource: { type: 'recording', id } })
const many = (count: number, one: (index: number) => unknown) =>
  Array.from({ length: count }, (_, i) => one(i))
const unknown = (count: number) => Object.fromEntries(many(count, i => [`x${i}`, 0]) as [string, number][])

/** Reads a call as the route does: its bytes, its JSON, its questions. */
async function read(text: string) {
  const request = new Request('https://gate.test/access/v1/evaluations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  })
  const limits = { most: text.length, invalid: 'question_invalid', timeout: 10_000 } as const
  const body = await readJson(request, limits)
  return 'json' in body ? readCall(body.json, true, ISSUERS, OWN) : body
}

test('reading 60,000 unknown members and 1,000 questions takes at most 50 ms of CPU', async () => {
  const text = JSON.stringify({
    ...unknown(60_000),
    subject,
    action,
    evaluations: many(1000, i => about(`rec-${i}`)),
  })
  const readIt = async () => expect(await read(text)).toMatchObject({ questions: { length: 1000 } })
  expect(await leastCpu(readIt, 50)).toBeLessThanOrEqual(50)
})

test.each<[string, (size: number) => object]>([
  ['unknown members', size => ({ ...unknown(size), evaluations: many(size / 60, i => about(`rec-${i}`)) })],
  ['unknown members of each question', size => ({ evaluations: many(size / 60, () => unknown(60)) })],
  [
    'a long id of the subject',
    size => longDefault({ subject: { type: 'user', id: 'x'.repeat(size * 10) } }, size),
  ],
  ['a long id of the recording', size => longDefault(about('x'.repeat(size * 10)), size)],
  ['a long name of the action', size => longDefault({ action: { name: 'x'.repeat(size * 10) } }, size)],
  [
    'a long issuer',
    size => longDefault({ subject: { ...subject, properties: { issuer: 'x'.repeat(size * 10) } } }, size),
  ],
  [
    'properties and context',
    size => longDefault({ subject: { ...subject, properties: unknown(size) }, context: unknown(size) }, size),
  ],
])('the work of reading a call with %s grows no faster than the call', async (_, call) => {
  const body = (size: number) => JSON.stringify({ subject, action, ...call(size) })
  expect(await growth(body, 15_000, read)).toBeUndefined()
})

function longDefault(members: object, size: number): object {
  return { ...about('rec-1'), ...members, evaluations: many(size / 60, () => ({})) }
}

test('JSON nested as deep as a body can hold is read, and refused because it is not a question', async () => {
  const depth = 250_000
  const nested = `{"evaluations":[{}],"context":${'['.repeat(depth)}${']'.repeat(depth)}}`
  expect(await read(nested)).toMatchObject({
    reason: 'question_invalid',
    detail: expect.stringContaining('subject must be an object'),
  })
})

test('a subject id of 256 characters is a flaw, since the gate would write it out for each question', async () => {
  const of = (length: number) =>
    read(JSON.stringify({ ...longDefault({ subject: { ...subject, id: 'x'.repeat(length) } }, 60), action }))
  expect(await of(255)).toMatchObject({ questions: [{ about: { issuer: ISSUER } }] })
  expect(await of(256)).toMatchObject({
    detail: 'evaluations[0]: subject.id must have at most 255 characters',
  })
})

test('a question’s own member wins over the default of its call, even if it is null', async () => {
  const call = {
    subject,
    action,
    context: {},
    evaluations: [{ ...about('rec-1'), subject: null }, about('rec-2')],
  }
  expect(await read(JSON.stringify(call))).toMatchObject({
    questions: [
      { recording: undefined, flaw: expect.stringMatching(/evaluations\[0\]: subject must be/) },
      { recording: 'rec-2' },
    ],
  })
})
