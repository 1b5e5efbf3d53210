import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  patterned,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

let gate: RunningGate
let idp: TestIssuer
const bytes = patterned(2000)

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: variables(idp) })
})
afterAll(() => gate.stop())

async function play(path: string, as: string): Promise<Response> {
  return fetch(gate.url + path, { headers: await idp.bearer(as) })
}

test('a recording that a recorder stores plays at once, to its patient alone', async () => {
  const stored = await store(gate, idp, '/recordings/new', 'patient-1', bytes, {
    'Content-Type': 'video/mp4',
  })
  expect(stored.status).toBe(201)
  const played = await play('/recordings/new', 'patient-1')
  expect(played.headers.get('content-type')).toBe('video/mp4')
  expect(played.headers.get('etag')).toBe(stored.headers.get('etag'))
  expect(new Uint8Array(await played.arrayBuffer())).toEqual(bytes)
  expect((await play('/recordings/new', 'patient-2')).status).toBe(404)
})

test('a recorder gets 409 for a recording that is bound to another owner, and the refusal is recorded', async () => {
  await store(gate, idp, '/recordings/bound', 'patient-1', bytes)
  const changed = await store(gate, idp, '/recordings/bound', 'patient-2', 'other bytes')
  expect(changed.status).toBe(409)
  const id = await instanceOf(changed)
  expect((await denials(gate, idp)).find(event => event.id === id)).toMatchObject({
    reason: 'binding_conflict',
    method: 'PUT',
  })
  expect((await play('/recordings/bound', 'patient-2')).status).toBe(404)
  expect(new Uint8Array(await (await play('/recordings/bound', 'patient-1')).arrayBuffer())).toEqual(bytes)
  // Nor by another part of the same recording.
  expect((await store(gate, idp, '/recordings/bound/part.ts', 'patient-2', bytes)).status).toBe(409)
  expect((await store(gate, idp, '/recordings/bound/part.ts', 'patient-1', bytes)).status).toBe(201)
})

test.each(['gzip', 'br, gzip', 'aws-chunked', 'x-unknown'])(
  'an upload encoded in %s gets 415 however it is sent, is recorded, and binds no owner',
  async encoding => {
    const id = `coded-${encoding.replaceAll(/[^a-z]/g, '')}`
    const headers = {
      ...(await idp.bearer('recorder-1', { roles: ['recorder'] })),
      'Mediaward-Owner': 'patient-1',
      'Content-Encoding': encoding,
    }
    const ways: [string, string, Record<string, string>, string?][] = [
      ['PUT', '', {}, 'packed'],
      ['PUT', '', { 'Mediaward-Upload': 'u', 'Content-Range': 'bytes 0-5/6' }, 'packed'],
      ['POST', '/upload', { 'Mediaward-Upload-Size': '6' }],
      ['POST', '/upload', { 'Mediaward-Upload': 'u' }, '{"size":6,"pieces":["1.x"]}'],
    ]
    for (const [method, route, more, body] of ways) {
      const response = await fetch(`${gate.url}/recordings/${id}${route}`, {
        method,
        headers: { ...headers, ...more },
        ...(body !== undefined && { body }),
      })
      expect(response.status).toBe(415)
      // What is taken instead (RFC 9110 15.5.16).
      expect(response.headers.get('accept-encoding')).toBe('identity')
      const { detail, instance } = (await response.json()) as { detail: string; instance: string }
      expect(detail).toMatch(/^Content-Encoding must be left out/)
      const record = (await denials(gate, idp)).find(event => instance.endsWith(event.id))
      expect(record).toMatchObject({ reason: 'encoding_unsupported', status: 415, method })
    }
    expect((await store(gate, idp, `/recordings/${id}`, 'patient-2', bytes)).status).toBe(201)
  },
)

test('an upload whose Content-Encoding is identity or empty is stored', async () => {
  for (const encoding of ['identity', '']) {
    const headers = { 'Content-Encoding': encoding }
    const stored = await store(gate, idp, `/recordings/plain-${encoding}x`, 'patient-1', bytes, headers)
    expect(stored.status).toBe(201)
  }
})

test('a recorder who stores a recording again for the same owner replaces it', async () => {
  await store(gate, idp, '/recordings/again', 'patient-1', bytes)
  expect((await store(gate, idp, '/recordings/again', 'patient-1', 'new')).status).toBe(200)
  expect(await (await play('/recordings/again', 'patient-1')).text()).toBe('new')
})

test('eight uploads of one part at once leave a version whose upload was answered as stored', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => store(gate, idp, '/recordings/eager', 'patient-1', `version ${i}`)),
  )
  const stored = answers.flatMap(({ status }, i) => (status < 300 ? [`version ${i}`] : []))
  expect(answers.every(({ status }) => [200, 201, 409].includes(status))).toBe(true)
  expect(stored).toContain(await (await play('/recordings/eager', 'patient-1')).text())
})

test('two versions of a recording never share a Last-Modified, so If-Range by date mixes no two', async () => {
  await store(gate, idp, '/recordings/versions', 'patient-1', 'AAAAAAAAAA')
  const first = (await play('/recordings/versions', 'patient-1')).headers.get('last-modified') ?? ''
  await store(gate, idp, '/recordings/versions', 'patient-1', 'BBBBBBBBBB')
  const headers = {
    ...(await idp.bearer('patient-1')),
    Range: 'bytes=5-',
    'If-Range': first,
  }
  const response = await fetch(`${gate.url}/recordings/versions`, { headers })
  expect([response.status, await response.text()]).toEqual([200, 'BBBBBBBBBB'])
})

test('uploads for twelve owners at once leave at most one owner, with the bytes stored for them', async () => {
  for (let round = 0; round < 5; round++) {
    const path = `/recordings/race-${round}`
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => store(gate, idp, path, `patient-${i}`, `bytes of patient-${i}`)),
    )
    const stored = answers.flatMap(({ status }, i) => (status === 201 ? [i] : []))
    expect(stored.length).toBeLessThanOrEqual(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    const owners = []
    for (let i = 0; i < 12; i++) {
      const played = await play(path, `patient-${i}`)
      if (played.status === 200) owners.push(await played.text())
    }
    expect(owners).toEqual(stored.map(i => `bytes of patient-${i}`))
  }
})

describe('refused uploads', () => {
  test.each([
    ['no owner', { 'Mediaward-Owner': '' }, /Mediaward-Owner must name/],
    ['an owner with spaces', { 'Mediaward-Owner': 'patient 1' }, /Mediaward-Owner must name/],
    ['an owner that is too long', { 'Mediaward-Owner': 'p'.repeat(256) }, /Mediaward-Owner must name/],
    [
      'an issuer that is not trusted',
      { 'Mediaward-Owner-Issuer': 'https://nobody.test/' },
      /Mediaward-Owner-Issuer must be one of/,
    ],
    ['a Content-Range', { 'Content-Range': 'bytes 0-9/100' }, /send the whole part/],
  ])(
    'the gate refuses an upload with %s, says why, records it and stores nothing',
    async (name, headers, detail) => {
      const path = `/recordings/bad-${name.replaceAll(' ', '-')}`
      const response = await store(gate, idp, path, 'patient-1', bytes, headers)
      expect(response.status).toBe(400)
      const problem = (await response.json()) as { detail: string; instance: string }
      expect(problem.detail).toMatch(detail)
      expect(
        (await denials(gate, idp)).some(
          ({ id, reason }) => problem.instance.endsWith(id) && reason === 'upload_invalid',
        ),
      ).toBe(true)
      expect((await play(path, 'patient-1')).status).toBe(404)
    },
  )

  test('an upload without a Content-Length gets 411', async () => {
    const body = new Blob([bytes]).stream()
    const response = await fetch(`${gate.url}/recordings/chunked`, {
      method: 'PUT',
      headers: { ...(await idp.bearer('r', { roles: ['recorder'] })), 'Mediaward-Owner': 'patient-1' },
      body,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(411)
    expect(await response.text()).toContain('Content-Length is missing')
  })

  test('an upload that breaks off leaves nothing that plays, and is not recorded as a fault of the store', async () => {
    const login = await idp.bearer('r', { roles: ['recorder'] })
    await new Promise<void>(resolve => {
      const upload = request(`${gate.url}/recordings/broken`, {
        method: 'PUT',
        headers: { ...login, 'Mediaward-Owner': 'patient-1', 'Content-Length': '1000000' },
      })
      upload.on('error', () => resolve())
      upload.write(Buffer.alloc(300_000), () => setTimeout(() => upload.destroy(), 200))
    })
    const reasons = async () =>
      (await denials(gate, idp)).filter(({ recording }) => recording === 'broken').map(({ reason }) => reason)
    await expect.poll(reasons).toEqual(['upload_invalid'])
    expect((await play('/recordings/broken', 'patient-1')).status).toBe(404)
    expect((await store(gate, idp, '/recordings/broken', 'patient-1', bytes)).status).toBe(201)
  })

  test('an upload whose precondition fails gets 412 and changes nothing', async () => {
    await store(gate, idp, '/recordings/careful', 'patient-1', bytes)
    expect(
      (await store(gate, idp, '/recordings/careful', 'patient-1', 'x', { 'If-None-Match': '*' })).status,
    ).toBe(412)
    expect(
      (await store(gate, idp, '/recordings/careful', 'patient-1', 'x', { 'If-Match': '"other"' })).status,
    ).toBe(412)
    expect((await play('/recordings/careful', 'patient-1')).headers.get('content-length')).toBe('2000')
  })
})

test.each([
  ['text/html', 'application/octet-stream'],
  ['image/svg+xml', 'application/octet-stream'],
  ['Video/MP4; codecs="avc1"', 'video/mp4'],
])('a file that is stored as %s is delivered as %s', async (sent, delivered) => {
  const path = `/recordings/type-${sent.replace(/\W/g, '')}`
  await store(gate, idp, path, 'patient-1', '<script>alert(1)</script>', { 'Content-Type': sent })
  const { headers } = await play(path, 'patient-1')
  expect(headers.get('content-type')).toBe(delivered)
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
})
