import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  patterned,
  records,
  store,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'

const MIB = 2 ** 20
const PIECE = 8 * MIB
const film = patterned(20 * MIB)

/** Of all uploads. */
const names: string[] = []
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: { ...variables(idp), ALLOWED_ORIGINS: 'https://studio.clinic.test' } })
})
afterAll(() => gate.stop())

type Headers = Record<string, string>

async function ask(
  method: string,
  path: string,
  headers: Headers,
  body?: Uint8Array<ArrayBuffer> | string,
): Promise<Response> {
  const login = await idp.bearer('recorder-1', { roles: ['recorder'] })
  const asked = () =>
    fetch(gate.url + path, {
      method,
      headers: { ...login, 'Mediaward-Owner': 'patient-1', ...headers },
      ...(body !== undefined && { body }),
    })
  // A refusal that came before the body was sent can be lost with the connection, on a busy machine: asked again then.
  return asked().catch(asked).catch(asked)
}

const begin = (path: string, size: number, headers: Headers = {}) =>
  ask('POST', `${path}/upload`, { 'Mediaward-Upload-Size': String(size), ...headers })

async function begun(path: string, size = film.length, headers: Headers = {}): Promise<string> {
  const response = await begin(path, size, headers)
  expect(response.status).toBe(201)
  const { upload, piece_size } = (await response.json()) as { upload: string; piece_size: number }
  expect(piece_size).toBe(PIECE)
  names.push(upload)
  return upload
}

function send(path: string, upload: string, number: number, headers: Headers = {}, of = film) {
  const first = (number - 1) * PIECE
  const piece = of.slice(first, first + PIECE)
  const range = `bytes ${first}-${first + piece.length - 1}/${of.length}`
  return ask('PUT', path, { 'Mediaward-Upload': upload, 'Content-Range': range, ...headers }, piece)
}

async function sent(...args: Parameters<typeof send>): Promise<string> {
  const response = await send(...args)
  expect(response.status).toBe(200)
  return ((await response.json()) as { piece: string }).piece
}

const complete = (path: string, upload: string, pieces: unknown, headers: Headers = {}, size = film.length) =>
  ask(
    'POST',
    `${path}/upload`,
    { 'Mediaward-Upload': upload, 'Content-Type': 'application/json', ...headers },
    JSON.stringify({ size, pieces }),
  )

const giveUp = (path: string, upload: string, headers: Headers = {}) =>
  ask('DELETE', `${path}/upload`, { 'Mediaward-Upload': upload, ...headers })

async function play(path: string, as: string, headers: Headers = {}): Promise<Response> {
  return fetch(gate.url + path, { headers: { ...(await idp.bearer(as)), ...headers } })
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64')
const digestOf = (bytes: Uint8Array): string => `sha-256=:${sha256(bytes)}:`

async function told(response: Response): Promise<{ detail: string; id: string }> {
  const { detail, instance } = (await response.json()) as { detail: string; instance: string }
  return { detail, id: instance.replace('urn:uuid:', '') }
}

test('a recording sent in three pieces, two at once, plays to its patient once it is complete', async () => {
  const path = '/recordings/long'
  const upload = await begun(path, film.length, { 'Content-Type': 'video/mp4' })
  const [third, first] = await Promise.all([sent(path, upload, 3), sent(path, upload, 1)])
  const second = await sent(path, upload, 2, { 'Content-Digest': digestOf(film.slice(PIECE, 2 * PIECE)) })
  expect((await play(path, 'patient-1')).status).toBe(404)

  const completed = await complete(path, upload, [first, second, third])
  expect(completed.status).toBe(201)
  expect(await completed.json()).toEqual({ size: film.length })
  const played = await play(path, 'patient-1')
  expect(played.headers.get('content-type')).toBe('video/mp4')
  expect(played.headers.get('etag')).toBe(completed.headers.get('etag'))
  expect(sha256(new Uint8Array(await played.arrayBuffer()))).toBe(sha256(film))
  const over = await play(path, 'patient-1', { Range: `bytes=${PIECE - 1000}-${PIECE + 999}` })
  expect(over.status).toBe(206)
  expect(new Uint8Array(await over.arrayBuffer())).toEqual(film.slice(PIECE - 1000, PIECE + 1000))
  expect((await play(path, 'patient-2')).status).toBe(404)
})

test('a recorder who names another owner gets 409 and a record at each request of an upload', async () => {
  const path = '/recordings/bound'
  const upload = await begun(path)
  const tags = [await sent(path, upload, 1), await sent(path, upload, 2), await sent(path, upload, 3)]
  const other = (release: string) => ({ 'Mediaward-Owner': 'patient-2', 'Mediaward-App-Release': release })
  const refused = [
    await begin(path, film.length, other('1.0')),
    // Nor by another part of the same recording.
    await begin(`${path}/part.ts`, film.length, other('1.1')),
    await send(path, upload, 1, other('1.2')),
    await complete(path, upload, tags, other('1.3')),
    await giveUp(path, upload, other('1.4')),
  ]
  const events = await denials(gate, idp)
  for (const response of refused) {
    expect(response.status).toBe(409)
    const id = await instanceOf(response)
    expect(events.find(event => event.id === id)).toMatchObject({
      reason: 'binding_conflict',
      recording: 'bound',
    })
  }
  // Nothing that was tried left a trace.
  expect((await complete(path, upload, tags)).status).toBe(201)
  const played = await play(path, 'patient-1')
  expect(sha256(new Uint8Array(await played.arrayBuffer()))).toBe(sha256(film))
  expect((await play(path, 'patient-2')).status).toBe(404)
})

test('a caller without the role recorder gets 404 at each request of an upload', async () => {
  const path = '/recordings/roles'
  const upload = await begun(path)
  const patient = await idp.bearer('patient-1')
  const answers = [
    await begin(path, film.length, patient),
    await send(path, upload, 1, patient),
    await complete(path, upload, [], patient),
    await giveUp(path, upload, patient),
  ]
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404])
  const nobody = await fetch(`${gate.url}${path}/upload`, { method: 'POST' })
  expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="mediaward"'])
  expect((await denials(gate, idp)).filter(({ reason }) => reason === 'role_missing')).toHaveLength(4)
})

describe('digests', () => {
  const small = patterned(1000)

  test.each(['Content-Digest', 'Repr-Digest'])(
    'the gate verifies a digest in %s before it stores anything',
    async name => {
      const path = `/recordings/${name}`
      const wrong = await store(gate, idp, path, 'patient-1', small, { [name]: digestOf(film) })
      expect(wrong.status).toBe(400)
      expect((await told(wrong)).detail).toMatch(/another SHA-256 than their digest says: nothing was stored/)
      expect((await play(path, 'patient-1')).status).toBe(404)
      const right = await store(gate, idp, path, 'patient-1', small, { [name]: digestOf(small) })
      expect(right.status).toBe(201)
      expect(new Uint8Array(await (await play(path, 'patient-1')).arrayBuffer())).toEqual(small)
    },
  )

  test('the gate ignores a digest of another algorithm', async () => {
    const headers = { 'Content-Digest': 'sha-512=:AAAA:, md5=:AAAA:' }
    expect((await store(gate, idp, '/recordings/sha-512', 'patient-1', small, headers)).status).toBe(201)
  })

  test.each([
    ['a malformed digest', { 'Content-Digest': 'sha-256=abc' }],
    ['a digest that is too short', { 'Repr-Digest': 'sha-256=:AAAA:' }],
    ['two digests that differ', { 'Content-Digest': digestOf(small), 'Repr-Digest': digestOf(film) }],
  ])('an upload with %s gets 400 and stores nothing', async (name, headers) => {
    const path = `/recordings/digest-${name.replaceAll(' ', '-')}`
    expect((await store(gate, idp, path, 'patient-1', small, headers)).status).toBe(400)
    expect((await play(path, 'patient-1')).status).toBe(404)
  })

  test('a piece with a wrong digest is not stored, and replaces no earlier one', async () => {
    const path = '/recordings/digest-of-a-piece'
    const upload = await begun(path)
    const first = await sent(path, upload, 1)
    const wrong = await send(path, upload, 2, { 'Content-Digest': digestOf(film.slice(0, PIECE)) })
    expect(wrong.status).toBe(400)
    expect((await told(wrong)).detail).toMatch(/nothing was stored/)
    const third = await sent(path, upload, 3)
    expect((await complete(path, upload, [first, first, third])).status).toBe(409)
    const second = await sent(path, upload, 2)
    // The first was sent right before, and is what still counts.
    const spoilt = await send(path, upload, 1, { 'Content-Digest': digestOf(film) })
    expect(spoilt.status).toBe(400)
    expect((await complete(path, upload, [first, second, third])).status).toBe(201)
  })
})

test('the last version of a piece that is sent again counts', async () => {
  const path = '/recordings/again'
  const upload = await begun(path)
  const old = await sent(path, upload, 1, {}, new Uint8Array(film.length))
  const first = await sent(path, upload, 1)
  const others = [await sent(path, upload, 2), await sent(path, upload, 3)]
  expect((await complete(path, upload, [old, ...others])).status).toBe(409)
  expect((await complete(path, upload, [first, ...others])).status).toBe(201)
  const played = await play(path, 'patient-1')
  expect(sha256(new Uint8Array(await played.arrayBuffer()))).toBe(sha256(film))
})

test('an upload completes once, and only a new upload replaces what it stored', async () => {
  const path = '/recordings/twice'
  const first = await begun(path)
  const tags = [await sent(path, first, 1), await sent(path, first, 2), await sent(path, first, 3)]
  expect((await complete(path, first, tags, { 'If-None-Match': '*' })).status).toBe(201)
  expect((await begin(path, film.length, { 'If-None-Match': '*' })).status).toBe(412)
  const again = await complete(path, first, tags)
  expect(again.status).toBe(409)
  expect((await told(again)).detail).toMatch(/begin again/)

  const other = patterned(PIECE + 1).reverse()
  const second = await begun(path, other.length)
  const both = [await sent(path, second, 1, {}, other), await sent(path, second, 2, {}, other)]
  for (const condition of [{ 'If-None-Match': '*' }, { 'If-Match': '"another"' }]) {
    expect((await complete(path, second, both, condition, other.length)).status).toBe(412)
  }
  expect((await complete(path, second, both, {}, other.length)).status).toBe(200)
  const played = await play(path, 'patient-1')
  expect(sha256(new Uint8Array(await played.arrayBuffer()))).toBe(sha256(other))
})

test('the upload of one recording takes no piece and no completion for another', async () => {
  const upload = await begun('/recordings/mine', film.length, { 'Mediaward-Owner': 'patient-2' })
  const owner = { 'Mediaward-Owner': 'patient-2' }
  const tags = [
    await sent('/recordings/mine', upload, 1, owner),
    await sent('/recordings/mine', upload, 2, owner),
    await sent('/recordings/mine', upload, 3, owner),
  ]
  await begun('/recordings/yours')
  for (const path of ['/recordings/yours', '/recordings/yours/part.ts', '/recordings/nobodys']) {
    const answers = [await send(path, upload, 1), await complete(path, upload, tags)]
    expect(answers.map(({ status }) => status)).toEqual([409, 409])
    expect((await giveUp(path, upload)).status).toBe(204)
    expect((await play(path, 'patient-1')).status).toBe(404)
  }
  // Nobody's is nobody's still: what was tried there bound it to nobody.
  await begun('/recordings/nobodys', film.length, { 'Mediaward-Owner': 'patient-9' })
  expect((await complete('/recordings/mine', upload, tags, owner)).status).toBe(201)
})

test('an upload that was given up takes nothing more, and may be given up again', async () => {
  const path = '/recordings/given-up'
  const upload = await begun(path)
  const tags = [await sent(path, upload, 1), await sent(path, upload, 2), await sent(path, upload, 3)]
  expect((await giveUp(path, upload)).status).toBe(204)
  expect((await giveUp(path, upload)).status).toBe(204)
  expect((await send(path, upload, 1)).status).toBe(409)
  expect((await complete(path, upload, tags)).status).toBe(409)
  expect((await play(path, 'patient-1')).status).toBe(404)
})

describe('malformed requests', () => {
  const path = '/recordings/unclear'
  const body = new Uint8Array(10)
  let upload: string
  beforeAll(async () => {
    upload = await begun(path)
  })
  const range = (text: string) => ({ 'Mediaward-Upload': upload, 'Content-Range': text })

  test.each<[string, RegExp, () => Promise<Response>]>([
    ['an upload without a size', /Mediaward-Upload-Size must be/, () => ask('POST', `${path}/upload`, {})],
    ['an upload of size 0', /Mediaward-Upload-Size must be/, () => begin(path, 0)],
    ['an upload of over 5 TiB', /Mediaward-Upload-Size must be/, () => begin(path, 5 * 2 ** 40 + 1)],
    [
      'an upload with a malformed size',
      /Mediaward-Upload-Size/,
      () => ask('POST', `${path}/upload`, { 'Mediaward-Upload-Size': '1e3' }),
    ],
    ['an upload without an owner', /Mediaward-Owner must/, () => begin(path, 10, { 'Mediaward-Owner': '' })],
    [
      'the beginning of an upload with a body',
      /without a body/,
      () => ask('POST', `${path}/upload`, { 'Mediaward-Upload-Size': '10' }, body),
    ],
    [
      'the beginning of an upload with a digest of the whole',
      /Repr-Digest is not verified/,
      () => begin(path, 10, { 'Repr-Digest': digestOf(body) }),
    ],
    [
      'a piece without the name of its upload',
      /has both/,
      () => ask('PUT', path, { 'Content-Range': 'bytes 0-9/10' }, body),
    ],
    ['a piece without its range', /has both/, () => ask('PUT', path, { 'Mediaward-Upload': upload }, body)],
    [
      'a piece with an unsatisfied range',
      /Content-Range must be like/,
      () => ask('PUT', path, range('bytes */10'), body),
    ],
    [
      'a piece of an unknown whole',
      /Content-Range must be like/,
      () => ask('PUT', path, range('bytes 0-9/*'), body),
    ],
    [
      'a piece that is too small',
      /must be one piece/,
      () => ask('PUT', path, range(`bytes 0-9/${film.length}`), body),
    ],
    [
      'a piece that begins between two borders',
      /must be one piece/,
      () => ask('PUT', path, range(`bytes 10-19/20`), body),
    ],
    [
      'a piece beyond the end',
      /must be one piece/,
      () => ask('PUT', path, range(`bytes ${PIECE}-${PIECE + 9}/${PIECE}`), body),
    ],
    [
      'a piece that ends before it begins',
      /must be one piece/,
      () => ask('PUT', path, range('bytes 9-0/10'), body),
    ],
    [
      'a piece of no bytes',
      /must be one piece/,
      () => ask('PUT', path, range(`bytes ${PIECE}-${PIECE - 1}/${PIECE}`), ''),
    ],
    [
      'a piece of another length than its range',
      /Content-Length must be/,
      () => ask('PUT', path, range('bytes 0-10/11'), body),
    ],
    [
      'a piece with spaces in the name of its upload',
      /has both/,
      () => ask('PUT', path, { ...range('bytes 0-9/10'), 'Mediaward-Upload': 'a b' }, body),
    ],
    [
      'a piece with too long a name of its upload',
      /has both/,
      () => ask('PUT', path, { ...range('bytes 0-9/10'), 'Mediaward-Upload': 'a'.repeat(1025) }, body),
    ],
    [
      'a completion that also begins an upload',
      /send one of them/,
      () => complete(path, upload, [], { 'Mediaward-Upload-Size': '10' }),
    ],
    [
      'a completion of another type',
      /must be application\/json/,
      () => complete(path, upload, [], { 'Content-Type': 'text/plain' }),
    ],
    [
      'a completion that is not JSON',
      /must be JSON/,
      () =>
        ask(
          'POST',
          `${path}/upload`,
          { 'Mediaward-Upload': upload, 'Content-Type': 'application/json' },
          '{',
        ),
    ],
    ['a completion without a list of pieces', /The body must be/, () => complete(path, upload, 'x')],
    [
      'a completion with a number among its pieces',
      /The body must be/,
      () => complete(path, upload, ['x', 3, 'y']),
    ],
    [
      'a DELETE without the name of an upload',
      /must name the upload/,
      () => ask('DELETE', `${path}/upload`, {}),
    ],
  ])('%s gets 400 with the reason, and stores nothing', async (_, detail, request) => {
    const response = await request()
    const said = await told(response)
    expect([response.status, said.detail]).toEqual([400, expect.stringMatching(detail)])
    expect((await play(path, 'patient-1')).status).toBe(404)
  })

  test('malformed requests of each method are recorded as upload_invalid, not as a fault of the gate', async () => {
    const events = (await denials(gate, idp)).filter(({ recording }) => recording === 'unclear')
    expect(events.some(({ reason, method }) => reason === 'upload_invalid' && method === 'POST')).toBe(true)
    expect(events.some(({ reason, method }) => reason === 'upload_invalid' && method === 'PUT')).toBe(true)
    expect(events.some(({ reason, method }) => reason === 'upload_invalid' && method === 'DELETE')).toBe(true)
    expect(events.filter(({ reason }) => reason === 'gate_fault')).toEqual([])
  })

  test('an upload with a missing, extra or misplaced piece, or a size off by one, does not complete', async () => {
    const tags = [await sent(path, upload, 1), await sent(path, upload, 2), await sent(path, upload, 3)]
    expect((await complete(path, upload, tags.slice(1))).status).toBe(409)
    expect((await complete(path, upload, [...tags, 'x'])).status).toBe(409)
    expect((await complete(path, upload, [...tags].reverse())).status).toBe(409)
    for (const off of [-1, 1]) {
      expect((await complete(path, upload, tags, {}, film.length + off)).status).toBe(409)
    }
    expect((await play(path, 'patient-1')).status).toBe(404)
    expect((await complete(path, upload, tags)).status).toBe(201)
  })
})

test('a part with the name upload is a part like any other', async () => {
  const path = '/recordings/set/upload'
  expect((await store(gate, idp, path, 'patient-1', 'a part')).status).toBe(201)
  expect(await (await play(path, 'patient-1')).text()).toBe('a part')
  const upload = await begun(path)
  const tags = [await sent(path, upload, 1), await sent(path, upload, 2), await sent(path, upload, 3)]
  expect((await complete(path, upload, tags)).status).toBe(200)
})

test('a page of an allowed origin may store in pieces, and each route names its methods', async () => {
  const headers = {
    Origin: 'https://studio.clinic.test',
    'Access-Control-Request-Method': 'DELETE',
    'Access-Control-Request-Headers': 'mediaward-upload',
  }
  const preflight = await fetch(`${gate.url}/recordings/page/upload`, { method: 'OPTIONS', headers })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('allow')).toBe('DELETE, GET, HEAD, POST, PUT, OPTIONS')
  expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE')
  const allowed = preflight.headers.get('access-control-allow-headers')?.split(', ') ?? []
  for (const name of [
    'Content-Digest',
    'Content-Range',
    'Mediaward-Upload',
    'Mediaward-Upload-Size',
    'Repr-Digest',
  ]) {
    expect(allowed).toContain(name)
  }
  const patch = await ask('PATCH', '/recordings/page/upload', {})
  expect([patch.status, patch.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, POST, PUT, OPTIONS'])
  const whole = await ask('DELETE', '/recordings/page', {})
  expect([whole.status, whole.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, OPTIONS'])
})

test('the name of an upload appears in no record and in no output of the gate', async () => {
  const said = JSON.stringify(await records(gate, idp)) + gate.said()
  expect(names.length).toBeGreaterThan(8)
  for (const name of names) expect(said).not.toContain(name)
})

test('an upload goes on where it was after the gate is killed between two pieces', async () => {
  const path = '/recordings/outlasts'
  const upload = await begun(path)
  const first = await sent(path, upload, 1)
  await gate.kill()
  gate = await startGate({ varsFile: `${gate.data}/test.vars`, data: gate.data })
  const others = [await sent(path, upload, 2), await sent(path, upload, 3)]
  expect((await complete(path, upload, [first, ...others])).status).toBe(201)
  const played = await play(path, 'patient-1')
  expect(sha256(new Uint8Array(await played.arrayBuffer()))).toBe(sha256(film))
})
