import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type BodyLimits, readJson } from '../../../src/http/read-json.ts'
import { Refusal } from '../../../src/refusal.ts'

const limits: BodyLimits = { most: 20, invalid: 'question_invalid', timeout: 10_000 }
const post = (body: BodyInit | null, type?: string) =>
  new Request('https://gate.test/', {
    method: 'POST',
    body,
    duplex: 'half',
    headers: type === undefined ? {} : { 'content-type': type },
  } as RequestInit)
const read = async (body: BodyInit | null, type = 'application/json', some: Partial<BodyLimits> = {}) => {
  const outcome = await readJson(post(body, type), { ...limits, ...some })
  return outcome instanceof Refusal ? [outcome.reason, outcome.detail] : outcome.json
}

test.each(['{"a":[1,null]}', 'null', '0', '""', '"é💙"', ' [] \n'])(
  'the JSON body %j is read',
  async json => {
    expect(await read(json)).toEqual(JSON.parse(json))
  },
)

test.each([
  'application/json',
  'Application/JSON',
  'application/json;charset=utf-8',
  'application/json  ; a=b',
])('a body of the type %s is read as JSON', async type => expect(await read('1', type)).toBe(1))

test.each([
  '',
  'text/plain',
  'application/jsonp',
  'application/json-seq',
  'text/plain; a=application/json',
  'x/application/json',
  'application/json, text/plain',
])('a body of the type %j is refused, as it is not JSON', async type => {
  expect(await read('1', type)).toEqual(['question_invalid', 'Content-Type must be application/json'])
})

test('a body without a type is refused, as it is not JSON', async () => {
  const request = post(new Blob(['1']).stream())
  expect(await readJson(request, limits)).toMatchObject({ reason: 'question_invalid' })
})

test.each(['', '{', '{"a":1}}', 'undefined', "{'a':1}", '\ufeff\ufeff1'])(
  'the body %j is refused, as it is not JSON',
  async json => {
    expect(await read(json)).toEqual(['question_invalid', 'The body must be JSON in UTF-8'])
  },
)

test('a missing body and one that is not UTF-8 are refused, with the reason that the caller gives', async () => {
  const refused = ['question_invalid', 'The body must be JSON in UTF-8']
  expect(await read(null)).toEqual(refused)
  expect(await read(Uint8Array.of(0x22, 0xff, 0x22))).toEqual(refused)
  expect(await read('1', undefined, { invalid: 'upload_invalid' })).toBe(1)
  expect(await read('{', undefined, { invalid: 'upload_invalid' })).toEqual([
    'upload_invalid',
    'The body must be JSON in UTF-8',
  ])
})

test('a byte order mark before a JSON body is skipped', async () => expect(await read('\ufeff1')).toBe(1))

test('a body is refused from the first byte beyond the limit', async () => {
  const json = `"${'x'.repeat(18)}"`
  expect(await read(json)).toBe('x'.repeat(18))
  expect(await read(`${json} `)).toEqual(['question_invalid', 'The body must be at most 20 bytes long'])
})

test('a body that is too long is cancelled at once, in however many chunks it comes', async () => {
  let pulled = 0
  let cancelled = false
  const long = new ReadableStream({
    pull(controller) {
      // It does end, so that a reader without a limit fails the test and doesn't hang it.
      if (pulled++ === 100) controller.close()
      else controller.enqueue(new TextEncoder().encode('     '))
    },
    cancel() {
      cancelled = true
    },
  })
  expect(await read(long)).toEqual(['question_invalid', 'The body must be at most 20 bytes long'])
  expect(pulled).toBeLessThan(8)
  expect(cancelled).toBe(true)
})

describe('slow bodies', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  test.each([
    [10_000, 10],
    [1500, 1.5],
  ])('a body that never ends is refused after the timeout of %i ms', async (timeout, seconds) => {
    let outcome: unknown = 'pending'
    const slow = new ReadableStream({
      start: controller => controller.enqueue(new TextEncoder().encode('{')),
    })
    const done = read(slow, undefined, { timeout }).then(value => {
      outcome = value
    })
    await vi.advanceTimersByTimeAsync(timeout - 1)
    expect(outcome).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    await done
    expect(outcome).toEqual(['request_timeout', `The body must be sent within ${seconds} s: send it again`])
  })
})

test('a body that breaks off is refused as incomplete', async () => {
  const broken = new ReadableStream({
    pull: controller => controller.error(new Error('connection reset')),
  })
  expect(await read(broken)).toEqual(['question_invalid', 'The body is incomplete: send it again'])
})
