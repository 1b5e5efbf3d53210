import { readdirSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, patterned, store, type TestIssuer, variables } from '../support/gate-client.ts'

// "Not yours" and "not there", asked over HTTP. The ids have the same length, so that answers may not differ in it.

let gate: RunningGate
let idp: TestIssuer
const ORIGIN = 'https://app.clinic.test'
const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n'
const PARTS: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {
  '': patterned(5000),
  '/part.ts': patterned(300),
  '/master.m3u8': PLAYLIST,
  '/deep/list': PLAYLIST,
}
/** Where the recordings are files that a test can damage. R2's are not: its states are tried in workerd itself. */
const DAMAGES: Readonly<Record<string, (file: string) => void>> =
  RUNTIME === 'workerd'
    ? {}
    : { 'without-its-file': file => rmSync(file), truncated: file => truncateSync(file, 1) }
const STATES = ['ordinary', 'empty', ...Object.keys(DAMAGES)]
const idOf = (state: string, isThere: boolean): string => `${state}-${isThere ? 'theirs' : 'nobody'}`

beforeAll(async () => {
  idp = await createIssuer()
  const vars = {
    ...variables(idp),
    ALLOWED_ORIGINS: ORIGIN,
    TICKET_KEY: 'only for tests: no secret protects these tickets',
  }
  gate = await startGate({ vars })
  for (const state of STATES) {
    for (const [part, content] of Object.entries(PARTS)) {
      const body = state === 'empty' ? '' : content
      const path = `/recordings/${idOf(state, true)}${part}`
      expect((await store(gate, idp, path, 'patient-2', body)).status).toBe(201)
    }
  }
  for (const [state, damage] of Object.entries(DAMAGES)) {
    const root = join(gate.data, 'recordings')
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    const below = `recordings/${idOf(state, true)}`
    const bytes = files.filter(name => name.startsWith(below) && /@[0-9a-f]{32}$/.test(name))
    expect(bytes).toHaveLength(4)
    for (const name of bytes) damage(join(root, name))
  }
  // The gate keeps a file open for five seconds after its last reader, and nobody read these: nothing to wait for.
})
afterAll(() => gate.stop())

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly as?: string
}

const bearer = (as = 'stranger') =>
  as === 'app' ? idp.bearer('app-1', { roles: ['app'] }) : idp.bearer('patient-1')

async function ask({ method, path, headers, body }: Asked): Promise<Response> {
  return fetch(gate.url + path, {
    method,
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && { body }),
  })
}

const EVENT = /[0-9a-f]{8}-[0-9a-f-]{27}/

/** All of an answer that a caller sees, the id of its event apart. */
async function seen(response: Response) {
  const headers = [...response.headers].filter(([name]) => name !== 'date')
  return { status: response.status, headers, body: (await response.text()).replace(EVENT, 'EVENT') }
}

/** Everything that a caller can try on a recording. */
function attempts(id: string): Asked[] {
  const probes: Record<string, string>[] = [
    {},
    { Range: 'bytes=0-0' },
    { Range: 'bytes=0-' },
    { Range: 'bytes=-0' },
    { Range: 'bytes=-5' },
    { Range: 'bytes=9999999-' },
    { Range: 'bytes=0-1,5-6' },
    { Range: 'bytes=5-2' },
    { 'If-Match': '*' },
    { 'If-Match': '"nope"' },
    { 'If-None-Match': '*' },
    { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
    { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
    { Range: 'bytes=0-9', 'If-Range': '"nope"' },
    { Origin: ORIGIN },
  ]
  const owner = { 'Mediaward-Owner': 'patient-1' }
  const paths = Object.keys(PARTS).map(part => `/recordings/${id}${part}`)
  const question = {
    subject: { type: 'user', id: 'patient-1' },
    action: { name: 'play' },
    resource: { type: 'recording', id },
  }
  const json = { 'Content-Type': 'application/json' }
  return [
    ...paths.flatMap(path => [
      ...['GET', 'HEAD'].flatMap(method => probes.map(headers => ({ method, path, headers }))),
      { method: 'POST', path: `${path}/ticket` },
      { method: 'PUT', path, headers: owner, body: 'mine' },
      { method: 'PUT', path, headers: { ...owner, 'Content-Encoding': 'gzip' }, body: 'mine' },
      { method: 'POST', path: `${path}/upload`, headers: { ...owner, 'Mediaward-Upload-Size': '9' } },
      { method: 'DELETE', path: `${path}/upload`, headers: { ...owner, 'Mediaward-Upload': '0'.repeat(32) } },
    ]),
    ...['stranger', 'app'].flatMap(as => [
      { as, method: 'POST', path: '/access/v1/evaluation', headers: json, body: JSON.stringify(question) },
      {
        as,
        method: 'POST',
        path: '/access/v1/evaluations',
        headers: json,
        body: JSON.stringify({ ...question, evaluations: [{}, { action: { name: 'play' } }] }),
      },
    ]),
  ]
}

test.each(STATES)(
  "another patient's recording (%s) gets the same answer to every request as an absent one",
  async state => {
    const absent = attempts(idOf(state, false))
    const pairs = attempts(idOf(state, true)).map((theirs, i) => [theirs, absent[i] ?? theirs] as const)
    expect(pairs.length).toBeGreaterThan(100)
    for (let start = 0; start < pairs.length; start += 20) {
      await Promise.all(
        pairs.slice(start, start + 20).map(async pair => {
          // With a token of its own: what was refused before shows in Retry-After.
          const login = await bearer(pair[0].as)
          const [theirs, none] = await Promise.all(
            pair.map(async one => seen(await ask({ ...one, headers: { ...one.headers, ...login } }))),
          )
          expect(theirs, JSON.stringify(pair[0])).toEqual(none)
          expect([200, 404]).toContain(theirs?.status)
        }),
      )
    }
  },
)

test("twenty repeats get the same answers for another's recording, an absent one and one stored midway", async () => {
  const ids = ['repeat-theirs', 'repeat-nobody', 'repeat-stored']
  const put = async (id: string) => {
    const bytes = patterned(100)
    expect((await store(gate, idp, `/recordings/${id}`, 'patient-2', bytes)).status).toBe(201)
  }
  await put('repeat-theirs')
  const headers = await bearer()
  const answers = ids.map(() => [] as string[])
  const events = ids.map(() => [] as string[])
  for (let repeat = 0; repeat < 20; repeat++) {
    if (repeat === 10) await put('repeat-stored')
    await Promise.all(
      ids.map(async (id, i) => {
        const response = await ask({ method: 'GET', path: `/recordings/${id}`, headers })
        const [event = ''] = EVENT.exec(await response.clone().text()) ?? []
        const retries = response.headers.has('retry-after')
        // How many seconds are left is told by the clock, which may tick between two of them.
        const { status, headers: all, body } = await seen(response)
        const others = all.filter(([name]) => name !== 'retry-after')
        if (!events[i]?.includes(event)) events[i]?.push(event)
        // Which of its events it names: a new one, or one that was named before.
        answers[i]?.push(JSON.stringify([status, others, body, retries, events[i]?.indexOf(event)]))
      }),
    )
  }
  const [theirs, none, stored] = answers
  expect(theirs).toEqual(none)
  expect(stored).toEqual(none)
  expect(new Set(none).size).toBeGreaterThan(2)
})
