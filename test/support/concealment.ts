import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { createGate, type Gate, type RecordingStore } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY, patterned } from './issuer.ts'

// "Not yours" and "not there" are one answer. Two gates get the same request: in the store of the one the recording is
// somebody else's, in that of the other nothing is. All that a caller can see is compared, and all that the store sees.

/** A store, and what it was asked for below the port: for each request to it a line. */
export interface Shelf {
  readonly store: RecordingStore
  readonly below: string[]
}

/** A store with recordings of patient-2 in it, and an empty one. */
export interface Shelves {
  readonly theirs: Shelf
  readonly empty: Shelf
  /** Recordings that were damaged after they were stored: their ids. */
  readonly damaged: readonly string[]
}

/** What of a recording is stored: the name of a part, or none; its type; its bytes. */
const OBJECTS: readonly (readonly [string, string, Blob])[] = [
  ['', 'video/mp4', new Blob([patterned(3000)])],
  ['/part.ts', 'video/mp2t', new Blob([patterned(500)])],
  [
    '/master.m3u8',
    'application/vnd.apple.mpegurl',
    new Blob(['#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n']),
  ],
  // Only its bytes tell that it is a playlist.
  [
    '/deep/down/list',
    'application/octet-stream',
    new Blob(['#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n../../part.ts\n']),
  ],
]
const ISSUER = 'https://login.clinic.test/'
const TICKET_KEY = 'only for tests: no secret protects these tickets'

/** In which ways a recording can be another's: what it is stamped with. */
const STAMPS: Readonly<Record<string, object>> = {
  theirs: { owner: 'patient-2', issuer: ISSUER },
  elsewhere: { owner: 'patient-1', issuer: 'https://other.clinic.test/' },
  tenant: { owner: 'patient-1', issuer: ISSUER, tenant: 'south' },
  nobodys: {},
  empty: { owner: 'patient-2', issuer: ISSUER },
}

/** Stores a recording: each of its objects stamped the same. */
export async function fill(
  store: RecordingStore,
  id: string,
  ownership: object,
  isEmpty = false,
): Promise<void> {
  for (const [part, contentType, content] of OBJECTS) {
    const body = isEmpty ? new Blob() : content
    const options = { size: body.size, contentType, ownership, replaces: null }
    await store.put(`recordings/${id}${part}`, body.stream(), options)
  }
}

const number = fc.oneof(fc.nat(4000), fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 80n }))
const spec = fc.oneof(
  fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
  number.map(n => `${n}-`),
  number.map(n => `-${n}`),
)
const range = fc.oneof(
  // What can be satisfied, what can't, and what depends on the size.
  fc.constantFrom(
    'bytes=0-',
    'bytes=0-0',
    'bytes=-0',
    'bytes=-1',
    'bytes=400-600',
    'bytes=999999-',
    'bytes=0-1,5-6',
  ),
  fc.array(spec, { minLength: 1, maxLength: 4 }).map(specs => `bytes=${specs.join(',')}`),
)
const tag = fc.constantFrom('*', '"x"', 'W/"x"', '', 'x')
const date = fc.constantFrom('Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT', 'yesterday')
const conditions = fc.record(
  {
    range,
    'if-match': tag,
    'if-none-match': tag,
    'if-range': fc.oneof(tag, date),
    'if-modified-since': date,
    'if-unmodified-since': date,
    origin: fc.constantFrom('https://app.clinic.test', 'https://evil.test'),
    'x-request-id': fc.constant('request-1'),
  },
  { requiredKeys: [] },
)
const uploading = fc.record(
  {
    'mediaward-owner': fc.constantFrom('patient-1', 'patient-2', ''),
    'mediaward-upload': fc.constantFrom('0'.repeat(32), ' '),
    'mediaward-upload-size': fc.constantFrom('10', 'x'),
    'content-range': fc.constant('bytes 0-9/10'),
    'content-length': fc.constant('10'),
    'content-encoding': fc.constant('gzip'),
  },
  { requiredKeys: [] },
)
const route = fc.constantFrom<readonly [string, string]>(
  ['GET', ''],
  ['HEAD', ''],
  ['GET', 'by ticket'],
  ['HEAD', 'by ticket'],
  ['POST', '/ticket'],
  ['PUT', ''],
  ['POST', '/upload'],
  ['DELETE', '/upload'],
  ['PATCH', ''],
  ['POST', 'evaluation'],
  ['POST', 'evaluations'],
)

/**
 * How long two gates are asked, in milliseconds, before two new ones are. Refusals are counted together for 20 s, which
 * don't end at the same moment for both.
 */
const MOST_OF_A_WINDOW = 10_000

/**
 * Holds for a store that "not yours" and "not there" can't be told apart.
 *
 * @param runs how often it is tried, as fast-check takes it
 * @param fillBoth makes two stores of a kind
 */
export function concealmentProperty(
  name: string,
  runs: { readonly numRuns: number; readonly seed?: number },
  fillBoth: () => Promise<Shelves>,
): void {
  describe(`concealment over ${name}`, () => {
    let ask: (path: string, init: RequestInit) => Promise<readonly [unknown, unknown]>
    let ids: readonly string[]
    let renew: () => void
    let bearer: (who: string) => Promise<{ authorization: string }>
    const tickets = new Map<string, string>()

    beforeAll(async () => {
      const idp = await createIssuer(ISSUER)
      const { jwks, issuer, audience } = idp
      let started = Date.now()
      const { theirs, empty, damaged } = await fillBoth()
      for (const [id, stamp] of Object.entries(STAMPS)) await fill(theirs.store, id, stamp, id === 'empty')
      ids = [...Object.keys(STAMPS), ...damaged]
      const gateOver = (store: RecordingStore): Gate =>
        createGate({
          issuers: [{ issuer, audience, algorithms: ['ES256'], jwks: jwks as never }],
          pseudonymKey: PSEUDONYM_KEY,
          allowedOrigins: ['https://app.clinic.test'],
          tickets: { keys: [TICKET_KEY] },
          ledger: createMemoryLedger(),
          control: createMemoryControl(),
          publicUrl: 'https://gate.test',
          // Retry-After has seconds, which a clock could tick between.
          now: () => started,
          store,
        })
      bearer = async who => {
        // By the gates' clock, which stands still.
        const iat = Math.floor(started / 1000)
        const claims = { iat, exp: iat + 600, roles: who === 'app' ? ['app', 'security'] : [] }
        return idp.bearer(who === 'app' ? 'app-1' : 'patient-1', claims)
      }

      // Tickets from when the recordings were the asker's own.
      const own = createMemoryStore()
      const before = gateOver(own)
      for (const id of ids) {
        await fill(own, id, { owner: 'patient-1', issuer })
        for (const [part] of OBJECTS) {
          const headers = await bearer('stranger')
          const wanted = new Request(`https://gate.test/recordings/${id}${part}/ticket`, {
            method: 'POST',
            headers,
          })
          const { url } = (await (await before.fetch(wanted, () => {})).json()) as { url: string }
          tickets.set(id + part, new URL(url).pathname)
        }
      }

      const open = ({ store, below }: Shelf) => {
        const calls: string[] = []
        const gate = gateOver(watched(store, calls))
        return async (path: string, init: RequestInit) => {
          calls.length = 0
          below.length = 0
          const request = new Request(`https://gate.test${path}`, init)
          const response = await gate.fetch(request, () => {})
          const body = (await response.text()).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'EVENT')
          return {
            status: response.status,
            headers: [...response.headers],
            body,
            calls: [...calls],
            // At once, so in any order.
            below: below.toSorted(),
          }
        }
      }
      let sides = [theirs, empty].map(open)
      // Once, so that neither store is asked for the first time.
      const headers = await bearer('stranger')
      await Promise.all(sides.map(side => side('/recordings/warm', { headers })))
      ask = async (path, init) => {
        const [mine, none] = await Promise.all(sides.map(side => side(path, init)))
        return [mine, none]
      }
      renew = () => {
        if (Date.now() - started < MOST_OF_A_WINDOW) return
        started = Date.now()
        sides = [theirs, empty].map(open)
      }
    }, 60_000)

    test(`a foreign recording in ${name} gets the same reads and the same answer as an absent one`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.constantFrom(...OBJECTS.map(([part]) => part), '/none.ts'),
          route,
          fc.constantFrom('stranger', 'stranger', 'app'),
          conditions,
          uploading,
          async (which, part, [method, where], who, asking, storing) => {
            renew()
            const id = ids[which % ids.length] ?? ''
            const isQuestion = where.startsWith('evaluation')
            const stores = ['PUT', 'DELETE'].includes(method) || where === '/upload'
            const headers = {
              ...(where === 'by ticket' ? {} : await bearer(who)),
              ...asking,
              ...(stores ? storing : {}),
            }
            const question = {
              subject: { type: 'user', id: who === 'app' ? 'patient-7' : 'patient-1' },
              action: { name: 'play' },
              resource: { type: 'recording', id },
            }
            const many = {
              ...question,
              evaluations: [question, { resource: { type: 'recording', id: 'none' } }],
            }
            const path =
              where === 'by ticket'
                ? (tickets.get(id + part) ?? `${tickets.get(`${id}/part.ts`)}/none`)
                : isQuestion
                  ? `/access/v1/${where}`
                  : `/recordings/${id}${part}${where}`
            const init: RequestInit = {
              method,
              headers,
              ...(isQuestion && { body: JSON.stringify(where === 'evaluations' ? many : question) }),
              ...(method === 'PUT' && { body: '0123456789' }),
            }
            const [theirs, none] = await ask(path, init)
            expect(theirs).toEqual(none)
          },
        ),
        runs,
      )
    })

    test(`each way to play a foreign recording in ${name} gets 404, whatever state the recording is in`, async () => {
      for (const id of ids) {
        renew()
        for (const [part] of OBJECTS) {
          const ways: readonly [string, Record<string, string>][] = [
            ['GET', {}],
            ['GET', { range: 'bytes=0-0' }],
            ['GET', { range: 'bytes=-0' }],
            ['GET', { range: 'bytes=999999-' }],
            ['HEAD', {}],
          ]
          await Promise.all(
            ways.map(async ([method, headers]) => {
              const init = { method, headers: { ...(await bearer('stranger')), ...headers } }
              const [answer] = await ask(`/recordings/${id}${part}`, init)
              expect(answer).toMatchObject({ status: 404 })
            }),
          )
        }
      }
    })
  })
}

/** A store that notes what of the port is called, and with what. */
function watched(store: RecordingStore, calls: string[]): RecordingStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...values: unknown[]) => {
        calls.push(`${String(name)} ${JSON.stringify(values)}`)
        return Reflect.apply(member, target, values)
      }
    },
  })
}
