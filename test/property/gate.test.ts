import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { AccessEvent } from '../../src/index.ts'
import { type MemoryGate, memoryGate } from '../support/memory-gate.ts'
import { sample } from '../support/sample.ts'

const RUNS = sample(300, 20_000)

let gate: MemoryGate
const logins: Record<string, Record<string, string>> = { nonsense: { authorization: 'Bearer a.b.c' } }

beforeEach(async () => {
  gate = await memoryGate({ allowedOrigins: ['https://app.clinic.test'] })
  logins.owner = await gate.idp.bearer('patient-1')
  logins.other = await gate.idp.bearer('patient-2')
  logins.recorder = await gate.idp.bearer('recorder-1', { roles: ['security', 'app'] })
  logins.expired = await gate.idp.bearer('patient-1', { exp: 1000 })
})

const number = fc.oneof(fc.nat(4000), fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 80n }))
const spec = fc.oneof(
  fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
  number.map(n => `${n}-`),
  number.map(n => `-${n}`),
  fc.string({ maxLength: 8 }),
)
const range = fc.oneof(
  fc.array(spec, { maxLength: 6 }).map(specs => `bytes=${specs.join(',')}`),
  fc.string(),
)
const tag = fc.oneof(
  fc.constantFrom('*', '"x"', 'W/"x"', 'x', '"', 'W/', '"a,b"', ',', ''),
  fc.array(fc.constantFrom('"x"', 'W/"y"', 'z'), { maxLength: 4 }).map(tags => tags.join(', ')),
  fc.string(),
)
const date = fc.oneof(
  fc.date({ noInvalidDate: true }).map(one => one.toUTCString()),
  fc.string(),
)
const soup = fc.record(
  {
    range,
    'if-match': tag,
    'if-none-match': tag,
    'if-range': fc.oneof(tag, date),
    'if-modified-since': date,
    'if-unmodified-since': date,
    origin: fc.oneof(fc.constantFrom('https://app.clinic.test', 'null', 'https://evil.test'), fc.string()),
    cookie: fc.string(),
    'mediaward-app-release': fc.string(),
    'mediaward-owner': fc.string(),
    'mediaward-upload': fc.string(),
    'mediaward-upload-size': fc.oneof(fc.nat().map(String), fc.string()),
    'content-range': fc.oneof(range, fc.constant('bytes 0-9/10')),
    'content-digest': fc.oneof(fc.constant('sha-256=:AAAA:'), fc.string()),
    'x-http-method-override': fc.constantFrom('PUT', 'GET'),
  },
  { requiredKeys: [] },
)
const method = fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS')

/** What of the soup can stand in a header at all. */
function headers(members: Record<string, string | undefined>, login: Record<string, string> = {}): Headers {
  const all = new Headers(login)
  for (const [name, value] of Object.entries(members)) {
    try {
      if (value !== undefined) all.set(name, value)
    } catch {
      // No HTTP client could send it either.
    }
  }
  return all
}

const REVEALING = ['etag', 'last-modified', 'content-range', 'accept-ranges']

test('no byte without a permit: a caller without one gets no byte, entity tag or length, whatever it sends', async () => {
  const who = fc.constantFrom('none', 'other', 'recorder', 'expired', 'nonsense')
  const path = fc.oneof(
    fc.constantFrom(
      '/recordings/rec-1',
      '/recordings/rec-0',
      '/recordings/rec-1/part.ts',
      '/recordings/rec-1/upload',
      '/recordings/rec-0/upload',
      '/recordings//rec-1',
      '/',
    ),
    fc.string().map(text => `/recordings/${text}`),
    fc.string().map(text => `/recordings/rec-1${text}`),
  )
  await fc.assert(
    fc.asyncProperty(who, path, method, soup, async (caller, where, how, members) => {
      const response = await gate.fetch(where, { method: how, headers: headers(members, logins[caller]) })
      const body = new Uint8Array(await response.arrayBuffer())
      expect([204, 400, 401, 404, 405]).toContain(response.status)
      for (const name of REVEALING) expect(response.headers.get(name)).toBeNull()
      expect(Buffer.from(body).includes(Buffer.from(gate.bytes.subarray(0, 8)))).toBe(false)
      expect(body.length).toBeLessThan(400)
    }),
    RUNS,
  )
})

test('a foreign and a missing recording get one answer, whatever the caller sends', async () => {
  // Both are asked at the same time by this clock: a run of refusals ends with time alone.
  let clock = Date.now()
  const timed = await memoryGate({ now: () => clock }, gate.idp)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('other', 'recorder', 'none', 'expired'),
      method,
      soup,
      async (caller, how, members) => {
        const ask = async (path: string) => {
          const response = await timed.fetch(path, {
            method: how,
            headers: headers(members, logins[caller]),
          })
          const body = (await response.text()).replace(/[0-9a-f-]{36}/, '')
          return { status: response.status, headers: [...response.headers], body }
        }
        const [theirs, missing] = await Promise.all([ask('/recordings/rec-1'), ask('/recordings/rec-0')])
        expect(theirs).toEqual(missing)
        clock += 100
      },
    ),
    // Each case takes the timing slots of its answers.
    sample(150, 2_000),
  )
})

test('a permitted request with any headers is answered below 500, with the bytes that the answer names', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('GET', 'HEAD'), soup, async (how, members) => {
      const response = await gate.fetch('/recordings/rec-1', {
        method: how,
        headers: headers(members, logins.owner),
      })
      const body = new Uint8Array(await response.arrayBuffer())
      expect([200, 206, 304, 412, 416]).toContain(response.status)
      if (how === 'HEAD') {
        expect(body.length).toBe(0)
        return
      }
      if (response.status === 200) expect(body).toEqual(gate.bytes)
      if (response.status === 206) {
        const [, first, last, size] =
          /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
        expect(Number(size)).toBe(gate.bytes.length)
        expect(body).toEqual(gate.bytes.subarray(Number(first), Number(last) + 1))
        expect(response.headers.get('content-length')).toBe(String(body.length))
      }
    }),
    RUNS,
  )
})

test('the ranges of a recording, put together, are the recording', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: 2999 }), { maxLength: 8 }), async cuts => {
      const edges = [0, ...cuts.sort((a, b) => a - b), 3000]
      const parts = await Promise.all(
        edges.slice(1).map(async (end, i) => {
          const response = await gate.fetch('/recordings/rec-1', {
            headers: { ...logins.owner, range: `bytes=${edges[i]}-${end - 1}` },
          })
          return new Uint8Array(await response.arrayBuffer())
        }),
      )
      expect(new Uint8Array(Buffer.concat(parts))).toEqual(gate.bytes)
    }),
    sample(50, 2000),
  )
})

test('no denial without a record: each record has an id that was answered, and each refusal is counted', async () => {
  const { fetch, events, idp, flush } = await memoryGate()
  const headers = await idp.bearer('patient-2')
  const answered: string[] = []
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.boolean(), async (path, known) => {
      const response = await fetch(`/recordings/${path}`, known ? { headers } : {})
      answered.push(((await response.json()) as { instance: string }).instance.slice(9))
    }),
    RUNS,
  )
  await flush()
  const all = (await events()) as AccessEvent[]
  const summaries = all.filter(({ repeats }) => repeats !== undefined && 'of' in repeats)
  const recorded = all.filter(event => !summaries.includes(event))
  expect(recorded.map(({ id }) => id).sort()).toEqual([...new Set(answered)].sort())
  const counted = summaries.map(({ repeats }) =>
    repeats !== undefined && 'count' in repeats ? repeats.count : 0,
  )
  expect(recorded.length + counted.reduce((sum, count) => sum + count, 0)).toBe(answered.length)
})
