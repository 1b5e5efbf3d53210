import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

// What browsers and programs that save files are told about the answers of the gate, beside their bytes.

const APP = 'https://app.clinic.test'
const EVIL = 'https://evil.test'
const BYTES = patterned(3000)
const PLAYLIST = new TextEncoder().encode(
  '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nvideo.mp4\n#EXT-X-ENDLIST\n',
)

let gate: RunningGate
let idp: TestIssuer
let login: Record<string, string>
beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({
    vars: {
      ...variables(idp),
      TICKET_KEY: 'only for tests: a ticket key that no secret protects',
      ALLOWED_ORIGINS: APP,
      ALLOWED_HEADERS: 'X-App-Version',
    },
  })
  login = await idp.bearer('patient-1')
})
afterAll(() => gate.stop())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(gate.url + path, { method, headers })
const play = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  get(path, { ...login, ...headers }, method)

describe('pages of other origins', () => {
  const routes: readonly [path: string, method: string][] = [
    ['/recordings/rec-1', 'GET'],
    ['/recordings/rec-1', 'HEAD'],
    ['/recordings/rec-1', 'PUT'],
    ['/recordings/set/720p/init.mp4', 'GET'],
    ['/recordings/rec-1/ticket', 'POST'],
    ['/recordings/rec-1/upload', 'POST'],
    ['/recordings/rec-1/upload', 'DELETE'],
    ['/play/a.b.c', 'GET'],
    ['/play/a.b.c/720p/init.mp4', 'HEAD'],
    ['/access/v1/evaluation', 'POST'],
    ['/access/v1/evaluations', 'POST'],
    ['/.well-known/authzen-configuration', 'GET'],
    ['/console/api/denials', 'GET'],
    ['/console/api/records', 'GET'],
  ]
  /** What players, and the tools that watch over an app, add by themselves, as browsers ask for it. */
  const added =
    'authorization,range,content-type,x-request-id,cmcd-object,cmcd-request,cmcd-session,cmcd-status,traceparent,tracestate,baggage,sentry-trace,x-datadog-trace-id,x-datadog-parent-id,x-datadog-origin,x-datadog-sampling-priority,x-requested-with,cache-control,pragma,x-app-version'

  test.each(routes)(
    'a preflight on %s for %s gets CORS headers for an allowed origin alone, and no record',
    async (path, method) => {
      const before = (await denials(gate, idp)).length
      const asked = { 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': added }
      const { status, headers } = await get(path, { Origin: APP, ...asked }, 'OPTIONS')
      const names = (name: string) => (headers.get(name) ?? '').toLowerCase().split(', ')
      expect(status).toBe(204)
      expect(headers.get('access-control-allow-origin')).toBe(APP)
      expect(headers.get('vary')).toBe('Origin')
      expect(names('access-control-allow-methods')).toContain(method.toLowerCase())
      expect(names('allow')).toEqual(expect.arrayContaining([method.toLowerCase(), 'options']))
      expect(names('access-control-allow-headers')).toEqual(expect.arrayContaining(added.split(',')))

      const strange = await get(path, { Origin: EVIL, ...asked }, 'OPTIONS')
      expect(strange.status).toBe(204)
      expect([...strange.headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([])
      expect((await denials(gate, idp)).length).toBe(before)
    },
  )

  test.each(['/healthz', '/readyz'])('OPTIONS on %s names the methods of that route', async path => {
    const { status, headers } = await get(path, {}, 'OPTIONS')
    expect([status, headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })

  test('a 405 names the same methods as the preflight of its route', async () => {
    for (const [path] of routes) {
      const { headers } = await get(path, login, 'PATCH')
      const preflight = await get(path, {}, 'OPTIONS')
      expect([path, headers.get('allow')]).toEqual([path, preflight.headers.get('allow')])
    }
  })
})

describe('stored files', () => {
  /** Each with a name and nothing else, as `curl -T` and most scripts store it. */
  const parts: readonly [name: string, type: string, shown: 'shown' | 'shown in a sandbox' | 'saved'][] = [
    ['video.mp4', 'video/mp4', 'shown'],
    ['video.webm', 'video/webm', 'shown'],
    ['video.mkv', 'video/x-matroska', 'shown'],
    ['sound.flac', 'audio/flac', 'shown'],
    ['sound.m4a', 'audio/mp4', 'shown'],
    ['still.webp', 'image/webp', 'shown'],
    ['still.avif', 'image/avif', 'shown'],
    ['still.gif', 'image/gif', 'shown'],
    ['master.m3u8', 'application/vnd.apple.mpegurl', 'shown'],
    ['captions.vtt', 'text/vtt', 'shown in a sandbox'],
    ['captions.srt', 'application/x-subrip', 'shown in a sandbox'],
    ['notes.txt', 'text/plain', 'shown in a sandbox'],
    ['notes.json', 'application/json', 'shown in a sandbox'],
    ['letter.pdf', 'application/pdf', 'saved'],
    ['board.svg', 'application/octet-stream', 'saved'],
    ['page.html', 'application/octet-stream', 'saved'],
    ['unknown', 'application/octet-stream', 'saved'],
  ]
  let ticket: string
  beforeAll(async () => {
    for (const [name] of parts) {
      const body = name.endsWith('.m3u8') ? PLAYLIST : BYTES
      expect((await store(gate, idp, `/recordings/set/${name}`, 'patient-1', body)).status).toBe(201)
    }
    const typed = { 'Content-Type': 'video/mp4' }
    expect((await store(gate, idp, '/recordings/rec-042', 'patient-1', BYTES, typed)).status).toBe(201)
    ticket = await ticketFor('/recordings/set/video.mp4')
  })

  const ticketFor = async (path: string): Promise<string> => {
    const response = await play(`${path}/ticket`, {}, 'POST')
    return new URL(((await response.json()) as { url: string }).url).pathname
  }

  test.each(parts)('the gate delivers %s as %s, to be %s', async (name, type, shown) => {
    const url = ticket.replace('video.mp4', name)
    const answers = [
      await get(url),
      await get(url, {}, 'HEAD'),
      await get(url, { Range: 'bytes=0-3' }),
      await play(`/recordings/set/${name}`),
    ]
    for (const { ok, headers } of answers) {
      expect(ok).toBe(true)
      expect(headers.get('content-type')).toBe(type)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-disposition')).toBe(
        `${shown === 'saved' ? 'attachment' : 'inline'}; filename="set-${name}"`,
      )
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/^default-src 'none';.* frame-ancestors 'none'/)
      expect(policy.includes('sandbox')).toBe(shown !== 'shown')
    }
  })

  test('a recording of one file has its id and the ending of its type as its file name', async () => {
    const { headers } = await get(await ticketFor('/recordings/rec-042'))
    expect(headers.get('content-disposition')).toBe('inline; filename="rec-042.mp4"')
  })

  test('a ticket appears in no header of an answer, and the file name of a refusal is refusal.json', async () => {
    const [, , secret = ''] = ticket.split('/')
    const one = await ticketFor('/recordings/rec-042')
    for (const url of [ticket, one, ticket.replace(/\/video.mp4$/, ''), one.slice(0, -2), `${one}/x.mp4`]) {
      const { headers, status } = await get(url)
      for (const [, value] of headers) expect(value).not.toMatch(secret.slice(0, 20))
      if (status >= 400) expect(headers.get('content-disposition')).toBe('inline; filename="refusal.json"')
    }
  })

  test.each([
    ['from an allowed origin', 'cross-origin', APP, APP],
    ['from another origin', 'same-site', EVIL, null],
    ['from the origin null', 'same-site', 'null', null],
    ['without an origin', 'same-site', undefined, null],
  ])('every answer to a request %s has the resource policy %s', async (_, embedding, origin, reads) => {
    const from: Record<string, string> = origin === undefined ? {} : { Origin: origin }
    const answers = [
      await get(ticket, from),
      await get(ticket, { ...from, Range: 'bytes=0-3' }),
      await get(ticket, { ...from, 'If-None-Match': '*' }),
      await get(ticket, { ...from, 'If-Match': '"other"' }),
      await get(ticket, { ...from, Range: 'bytes=99999-' }),
      await play('/recordings/set/video.mp4/ticket', from, 'POST'),
      await get('/play/a.b.c', from),
      await get('/recordings/rec-042', from),
      await play('/recordings/of-nobody', from),
      await play('/recordings/a%2fb', from),
      await play('/access/v1/evaluation', from, 'POST'),
      await play('/console/api/records', from),
    ]
    expect(answers.map(({ status }) => status)).toEqual([
      200, 206, 304, 412, 416, 201, 401, 401, 404, 400, 400, 404,
    ])
    for (const { headers } of answers) {
      expect(headers.get('cross-origin-resource-policy')).toBe(embedding)
      expect(headers.get('access-control-allow-origin')).toBe(reads)
      expect(headers.get('vary')).toBe('Origin')
      if (reads !== null)
        expect(headers.get('access-control-expose-headers')).toContain('Content-Disposition')
    }
  })
})
