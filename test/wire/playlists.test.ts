import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  patterned,
  records,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

let gate: RunningGate
let idp: TestIssuer
let headers: Record<string, string>
const segment = patterned(3000)
/** As a packager writes it that was told where its files will be. */
const absolute = (part: string) => `${gate.url}/recordings/set/${part}`

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({
    vars: { ...variables(idp), TICKET_KEY: 'only for tests: it opens nothing anywhere else' },
  })
  headers = await idp.bearer('patient-1')
  const parts: Record<string, string | Uint8Array<ArrayBuffer>> = {
    'master.m3u8': `#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\n${absolute('v/720p.m3u8')}\r\n`,
    // Stored with no media type that tells, and with a byte order mark.
    'v/720p.m3u8': `\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="/recordings/set/v/init.mp4"\n#EXTINF:1,\n${absolute('v/0.m4s')}\n`,
    'v/init.mp4': segment.slice(0, 100),
    'v/0.m4s': segment,
    'manifest.mpd': `<MPD><BaseURL>${absolute('v/')}</BaseURL><Period/></MPD>`,
  }
  for (const [part, content] of Object.entries(parts))
    expect((await store(gate, idp, `/recordings/set/${part}`, 'patient-1', content)).status).toBe(201)
})
afterAll(() => gate.stop())

test('every URL in a playlist leads to a part of its recording and inherits the ticket', async () => {
  const issued = await fetch(`${gate.url}/recordings/set/master.m3u8/ticket`, { method: 'POST', headers })
  const { url } = (await issued.json()) as { url: string }
  const root = url.slice(0, -'master.m3u8'.length)
  const read = async (from: string) => {
    const response = await fetch(from)
    expect(response.status).toBe(200)
    expect(response.headers.get('transfer-encoding')).toBeNull()
    const text = await response.text()
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
    return text
  }
  const master = await read(url)
  expect(master).toBe('#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\nv/720p.m3u8\r\n')
  const media = await read(new URL('v/720p.m3u8', url).href)
  expect(media).toBe('#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:1,\n0.m4s\n')
  const from = new URL('0.m4s', new URL('v/720p.m3u8', url)).href
  expect(from).toBe(`${root}v/0.m4s`)
  expect(new Uint8Array(await (await fetch(from)).arrayBuffer())).toEqual(segment)
  expect(await read(`${root}manifest.mpd`)).toBe('<MPD><BaseURL>v/</BaseURL><Period/></MPD>')
})

test('the ranges, the entity tag and HEAD of a playlist refer to the bytes that are sent', async () => {
  const url = absolute('master.m3u8')
  const whole = await fetch(url, { headers })
  const text = await whole.text()
  const etag = whole.headers.get('etag') ?? ''
  const head = await fetch(url, { method: 'HEAD', headers })
  expect(head.headers.get('content-length')).toBe(String(text.length))
  expect(head.headers.get('etag')).toBe(etag)
  const part = await fetch(url, { headers: { ...headers, Range: 'bytes=7-', 'If-Range': etag } })
  expect([part.status, await part.text()]).toEqual([206, text.slice(7)])
  expect((await fetch(url, { headers: { ...headers, 'If-None-Match': etag } })).status).toBe(304)
  const beyond = await fetch(url, { headers: { ...headers, Range: `bytes=${text.length}-` } })
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${text.length}`])
  expect((await fetch(url, { headers: { ...headers, Range: 'bytes=0-0' } })).status).toBe(206)
})

test('a viewer who reads a playlist begins a view of its recording', async () => {
  const views = async () => (await records(gate, idp, 'view')).filter(({ recording }) => recording === 'set')
  const before = (await views()).length
  const login = await idp.bearer('patient-1', { sid: 'another login' })
  expect((await fetch(absolute('master.m3u8'), { headers: login })).status).toBe(200)
  expect(await views()).toHaveLength(before + 1)
})

describe('storing', () => {
  const OUT =
    '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0.ts\n#EXT-X-MAP:URI="https://evil.example/patient-1"\n'
  const put = (path: string, content: string, headers: Record<string, string> = {}) =>
    store(gate, idp, `/recordings/${path}`, 'patient-1', content, headers)

  test.each([
    ['by its name', 'out.m3u8', {}],
    ['by its type', 'out.bin', { 'Content-Type': 'application/vnd.apple.mpegurl' }],
    ['by its first bytes', 'out', {}],
  ])(
    'a playlist that leads out, known %s, is refused when stored, with line, tag and attribute',
    async (_, part, headers) => {
      const id = `new-${part.replace('.', '-')}`
      const response = await put(`${id}/${part}`, OUT, headers)
      const problem = (await response.json()) as { detail: string; instance: string }
      expect([response.status, problem.detail]).toEqual([
        400,
        expect.stringMatching(/^The playlist, in line 5, EXT-X-MAP, URI, leads out of the recording/),
      ])
      const [record, ...more] = (await denials(gate, idp)).filter(({ recording }) => recording === id)
      expect(more).toEqual([])
      expect(record).toMatchObject({
        id: problem.instance.slice('urn:uuid:'.length),
        reason: 'playlist_outside',
        status: 400,
        playlist: { line: 5, tag: 'EXT-X-MAP', attribute: 'URI' },
      })
      expect(JSON.stringify([problem, record])).not.toMatch(/evil|patient-1"/)
      // Nothing is stored, and the id is not bound.
      expect((await store(gate, idp, `/recordings/${id}/x`, 'patient-2', 'x')).status).toBe(201)
      expect((await fetch(`${gate.url}/recordings/${id}/${part}`, { headers: await other() })).status).toBe(
        404,
      )
    },
  )

  test.each([
    ['HLS by its type and DASH by its name', 'two.mpd', '#EXTM3U\n', 'application/vnd.apple.mpegurl'],
    ['DASH by its type and HLS by its name', 'two.m3u8', '<MPD/>', 'application/dash+xml'],
  ])('the gate refuses to store a file that is %s', async (_, part, content, type) => {
    const response = await put(`two/${part}`, content, { 'Content-Type': type })
    const { detail } = (await response.json()) as { detail: string }
    expect([response.status, detail]).toEqual([400, expect.stringContaining('in line 1, is refused')])
  })

  test('the gate refuses a playlist that is sent in pieces, whatever is in it', async () => {
    const begin = async (part: string, type: string) => {
      const response = await fetch(absolute(`${part}/upload`), {
        method: 'POST',
        headers: {
          ...(await recorderHeaders()),
          'Mediaward-Owner': 'patient-1',
          'Mediaward-Upload-Size': '30',
          'Content-Type': type,
        },
      })
      return { status: response.status, body: (await response.json()) as { upload: string; detail: string } }
    }
    for (const [part, type] of [
      ['a.m3u8', 'video/mp4'],
      ['a.bin', 'application/dash+xml'],
    ] as const) {
      const { status, body } = await begin(part, type)
      expect([status, body.detail]).toEqual([400, expect.stringContaining('one PUT')])
    }
    // Its name and type say nothing: its first piece does.
    const { status, body } = await begin('unnamed', 'video/mp4')
    expect(status).toBe(201)
    const piece = (content: string) =>
      recorderHeaders().then(recorder =>
        fetch(absolute('unnamed'), {
          method: 'PUT',
          headers: {
            ...recorder,
            'Mediaward-Owner': 'patient-1',
            'Mediaward-Upload': body.upload,
            'Content-Range': 'bytes 0-29/30',
          },
          body: content,
        }),
      )
    expect((await piece('#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n0.ts\n#234567')).status).toBe(400)
    expect((await piece('012345678901234567890123456789')).status).toBe(200)
  })

  test('the gate stores media whose name has no ending as they are, to the last byte', async () => {
    const bytes = patterned(3_000_000)
    const response = await store(gate, idp, '/recordings/set/v/raw', 'patient-1', bytes)
    expect([response.status, await response.json()]).toEqual([201, { size: bytes.length }])
    const played = await fetch(absolute('v/raw'), { headers })
    expect(Buffer.compare(new Uint8Array(await played.arrayBuffer()), bytes)).toBe(0)
  })

  const other = () => idp.bearer('patient-2')
  const recorderHeaders = () => idp.bearer('recorder-1', { roles: ['recorder'] })

  // The last: its connection is closed, as its body is not read.
  test('the gate refuses a playlist of more than 1 MiB', async () => {
    const response = await put('set/long.mpd', `<MPD>${' '.repeat(1024 * 1024)}</MPD>`)
    expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([
      400,
      'A playlist of DASH must be at most 1048576 bytes long',
    ])
  })
})
