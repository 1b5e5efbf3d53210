import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createIssuer,
  denials,
  patterned,
  records,
  store,
  type TestIssuer,
  variables,
} from '../support/clinic.ts'
import { type RunningGate, startGate } from '../support/gate.ts'

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
  headers = { Authorization: `Bearer ${await idp.token('patient-1')}` }
  const parts: Record<string, string | Uint8Array<ArrayBuffer>> = {
    'master.m3u8': `#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\n${absolute('v/720p')}\r\n`,
    // Stored with no media type that tells, and with a byte order mark.
    'v/720p': `\ufeff#EXTM3U\n#EXT-X-MAP:URI="/recordings/set/v/init.mp4"\n#EXTINF:1,\n${absolute('v/0.m4s')}\n`,
    'v/init.mp4': segment.slice(0, 100),
    'v/0.m4s': segment,
    'manifest.mpd': `<MPD><BaseURL>${absolute('v/')}</BaseURL><Period/></MPD>`,
    'out.m3u8': '#EXTM3U\n#EXTINF:1,\nhttps://evil.example/0.ts\n',
  }
  for (const [part, content] of Object.entries(parts))
    expect((await store(gate, idp, `/recordings/set/${part}`, 'patient-1', content)).status).toBe(201)
})
afterAll(() => gate.stop())

test('every URL of a playlist leads to a part of its recording, and inherits the ticket', async () => {
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
  expect(master).toBe('#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\nv/720p\r\n')
  const media = await read(new URL('v/720p', url).href)
  expect(media).toBe('#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:1,\n0.m4s\n')
  const from = new URL('0.m4s', new URL('v/720p', url)).href
  expect(from).toBe(`${root}v/0.m4s`)
  expect(new Uint8Array(await (await fetch(from)).arrayBuffer())).toEqual(segment)
  expect(await read(`${root}manifest.mpd`)).toBe('<MPD><BaseURL>v/</BaseURL><Period/></MPD>')
})

test('its ranges, its entity tag and HEAD are about what is sent', async () => {
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

test('one that leads out is refused, and on record', async () => {
  const response = await fetch(absolute('out.m3u8'), { headers })
  expect([response.status, await response.text()]).toEqual([403, expect.not.stringContaining('evil')])
  const refused = (await denials(gate, idp)).filter(({ part }) => part === 'out.m3u8')
  expect(refused).toMatchObject([{ reason: 'playlist_outside', recording: 'set', status: 403 }])
  expect(JSON.stringify(refused)).not.toContain('evil')
})

test('who reads a playlist begins a view, and the bytes of it are told', async () => {
  await fetch(absolute('master.m3u8'), { headers })
  const views = await records(gate, idp, 'view')
  expect(views.map(({ recording }) => recording)).toEqual(views.map(() => 'set'))
  expect(views.length).toBeGreaterThan(0)
})
