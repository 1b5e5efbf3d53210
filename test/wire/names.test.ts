import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, records, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { sendRaw } from '../support/raw-http.ts'

let gate: RunningGate
let idp: TestIssuer
let headers: Record<string, string>

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
  headers = await idp.bearer('patient-1')
})
afterAll(() => gate.stop())

const LONGEST_ID = `1.2.840.${'0123456789'.repeat(12)}`
const PARTS = [
  'sid713476478245_cnameagora__uid_s_123__uid_e_video_2026112510000000000000000000000000000000000000000000000000000000000.m3u8.ts',
  '2026-11-25T10:00:00+01:00.m4s',
  'a=b/c@d:e+f',
  'a+b',
  'a:b',
  'a=b',
  'a@b',
  'a@facts.json',
  'a@facts.json/b',
  `${'n'.repeat(200)}/${'@'.repeat(200)}`,
]

test('a recording with a long or unusual name plays by a token, a ticket and a cookie', async () => {
  const content = (path: string) => createHash('sha256').update(path).digest('hex')
  const ids = ['1.2.840.113619.2.62.994044785528', LONGEST_ID, 'a.b-c_d', 'a.b']
  const paths = ids.flatMap(id => [`/recordings/${id}`, ...PARTS.map(part => `/recordings/${id}-p/${part}`)])
  const fits = paths.filter(path => !path.startsWith(`/recordings/${LONGEST_ID}-p`))
  expect(LONGEST_ID).toHaveLength(128)
  for (const path of fits) {
    expect([path, (await store(gate, idp, path, 'patient-1', content(path))).status]).toEqual([path, 201])
  }
  for (const path of fits) {
    const response = await fetch(gate.url + path, { headers })
    expect([path, response.status, await response.text()]).toEqual([path, 200, content(path)])
    const issued = await fetch(`${gate.url}${path}/ticket`, { method: 'POST', headers })
    const { url } = (await issued.json()) as { url: string }
    expect(await (await fetch(url)).text()).toBe(content(path))
    const cookie = issued.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect(await (await fetch(gate.url + path, { headers: { cookie } })).text()).toBe(content(path))
  }
  const viewed = (await records(gate, idp, 'view')).map(({ recording }) => recording)
  expect(viewed).toContain(LONGEST_ID)
})

test('a playlist may name parts with a colon, @, = or + in their names, also by absolute URLs', async () => {
  const root = '/recordings/1.2.3'
  const text = (...uris: readonly string[]) =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:4\n${uris.map(uri => `#EXTINF:4,\n${uri}\n`).join('')}#EXT-X-ENDLIST\n`
  expect((await store(gate, idp, `${root}/seg:0.ts`, 'patient-1', 'the segment')).status).toBe(201)
  const put = await store(
    gate,
    idp,
    `${root}/list.m3u8`,
    'patient-1',
    text(`${gate.url}${root}/seg:0.ts`, `${root}/a@b=c+d.ts`, 'a@b=c+d.ts'),
    { 'Content-Type': 'application/vnd.apple.mpegurl' },
  )
  expect(put.status).toBe(201)
  const list = await fetch(`${gate.url}${root}/list.m3u8`, { headers })
  expect(await list.text()).toBe(text('./seg:0.ts', 'a@b=c+d.ts', 'a@b=c+d.ts'))
  const segment = await fetch(new URL('./seg:0.ts', list.url), { headers })
  expect(await segment.text()).toBe('the segment')
})

test('the refusal of a name says what is wrong with it, and a token in a path reaches no log', async () => {
  const detailOf = async (path: string, init: RequestInit = { headers }) => {
    const response = await fetch(gate.url + path, init)
    const { status, detail } = (await response.json()) as { status: number; detail?: string }
    return { status, detail }
  }
  const token = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.c2lnbmF0dXJl`
  const cases: readonly (readonly [string, RegExp])[] = [
    ['/recordings/a%20b', /can't contain "%"/],
    ['/recordings/_a', /begin and end with a letter or digit/],
    ['/recordings/a..b', /can't contain "\.\."/],
    [`/recordings/${'a'.repeat(129)}`, /at most 128 characters\. This one has 129/],
    [`/recordings/a/${'b'.repeat(201)}`, /at most 200 characters\. One has 201/],
    ['/recordings/a/b~c', /can't contain "~"/],
    [`/recordings/${token}`, /contains a token/],
    [`/recordings/a/${token}.mp4`, /contains a token/],
    [`/recordings/a/b=${token}`, /contains a token/],
  ]
  for (const [path, detail] of cases) {
    for (const init of [{ headers }, {}, { method: 'PUT', body: 'x' }]) {
      expect(await detailOf(path, init)).toEqual({ status: 400, detail: expect.stringMatching(detail) })
    }
  }
  const asked = await fetch(`${gate.url}/access/v1/evaluation`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      subject: { type: 'user', id: 'patient-1' },
      action: { name: 'play' },
      resource: { type: 'recording', id: token },
    }),
  })
  expect(await asked.json()).toEqual({ decision: false })
  const log = JSON.stringify([await denials(gate, idp), await records(gate, idp)])
  expect(log).toContain('path_invalid')
  expect(log + gate.said()).not.toContain(token.slice(0, 16))
})

test('a request whose Host contains a path or a user gets 400 and a record', async () => {
  expect((await store(gate, idp, '/recordings/hosted', 'patient-1', 'the bytes')).status).toBe(201)
  const refused: string[] = []
  for (const [index, [target, host]] of [
    ['/x', 'h/recordings/hosted?'],
    ['/recordings/hosted', 'h/x'],
    ['/recordings/hosted', 'h/healthz?'],
    ['/recordings/hosted', 'h/console/api/denials?'],
    ['/.well-known/authzen-configuration', 'evil.test/x'],
    ['/recordings/hosted', 'user@h'],
  ].entries()) {
    const release = `host-${index}`
    const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nMediaward-App-Release: ${release}\r\nAuthorization: ${headers.authorization}\r\n\r\n`
    const { status, body } = await sendRaw(gate.port, request)
    expect([host, status]).toEqual([host, 400])
    if (body.includes('urn:uuid:')) refused.push(release)
  }
  const recorded = (await denials(gate, idp)).filter(({ release }) => release?.startsWith('host-'))
  expect(recorded.map(({ release }) => release).sort()).toEqual(refused)
  expect(new Set(recorded.map(({ reason }) => reason)).size).toBeLessThanOrEqual(1)
  expect(refused).toHaveLength(6)
})
