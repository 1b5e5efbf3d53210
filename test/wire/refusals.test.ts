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
import { sendRaw } from '../support/raw-http.ts'

let gate: RunningGate
let idp: TestIssuer
const REVEALING = new Set(['etag', 'last-modified', 'content-range', 'accept-ranges'])
const ORIGIN = 'https://app.clinic.test'

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({
    vars: {
      ...variables(idp),
      ALLOWED_ORIGINS: `${ORIGIN}, https://other.clinic.test`,
      // On Workers it is the platform's own; elsewhere a proxy in front would set it.
      ADDRESS_HEADER: 'cf-connecting-ip',
    },
  })
  await store(gate, idp, '/recordings/rec-1', 'patient-1', patterned(5000))
  await store(gate, idp, '/recordings/rec-set/init.mp4', 'patient-1', patterned(100))
})
afterAll(() => gate.stop())

interface Asked {
  readonly path: string
  readonly as?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

async function ask({ path, as, method = 'GET', headers = {} }: Asked): Promise<Response> {
  const authorization: Record<string, string> = as === undefined ? {} : await idp.bearer(as)
  return fetch(gate.url + path, { method, headers: { ...authorization, ...headers } })
}

/** Everything of an answer that a caller can see, with what differs between any two of them made equal. */
async function seen(
  response: Response,
): Promise<{ status: number; headers: [string, string][]; body: string }> {
  const headers = [...response.headers].filter(([name]) => name !== 'date')
  const body = (await response.text()).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'EVENT')
  return { status: response.status, headers, body }
}

describe('no byte without a permit', () => {
  const etag = '"a45ddc5fae1ee5cf1a2b30e1e1e3a0d4"'
  const probes: Record<string, Record<string, string>> = {
    'no header': {},
    'a range': { Range: 'bytes=0-9' },
    'a range beyond any end': { Range: 'bytes=99999999-' },
    'many ranges': { Range: 'bytes=0-1,5-6' },
    'If-None-Match: *': { 'If-None-Match': '*' },
    'If-Match: *': { 'If-Match': '*' },
    'If-Match of another tag': { 'If-Match': '"nope"' },
    'If-None-Match with a tag': { 'If-None-Match': etag },
    'If-Modified-Since': { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
    'If-Unmodified-Since': { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
    'If-Range': { Range: 'bytes=0-9', 'If-Range': etag },
    'an Origin': { Origin: ORIGIN },
  }
  for (const [index, [name, probe]] of Object.entries(probes).entries()) {
    for (const method of ['GET', 'HEAD']) {
      // Each from an address of its own: how long ago the same was refused shows in Retry-After, and is the asker's doing.
      const address = `192.0.2.${2 * index + (method === 'GET' ? 0 : 1)}`
      const headers = { ...probe, 'CF-Connecting-IP': address }
      test(`${method} with ${name} gets the same refusal for a foreign recording as for an absent one`, async () => {
        const foreign = await seen(await ask({ path: '/recordings/rec-1', as: 'patient-2', method, headers }))
        const absent = await seen(await ask({ path: '/recordings/rec-0', as: 'patient-2', method, headers }))
        const foreignPart = await seen(
          await ask({ path: '/recordings/rec-set/init.mp4', as: 'patient-2', method, headers }),
        )
        expect(foreign).toEqual(absent)
        expect(foreignPart).toEqual(absent)
        expect(foreign).toMatchObject({ status: 404 })
        const names = foreign.headers.map(([header]) => header)
        expect(names.filter(header => REVEALING.has(header))).toEqual([])
        const anonymous = await seen(await ask({ path: '/recordings/rec-1', method, headers }))
        expect(anonymous).toEqual(await seen(await ask({ path: '/recordings/rec-0', method, headers })))
        expect(anonymous).toMatchObject({ status: 401 })
      })
    }
  }

  test('PUT without the role recorder gets the same refusal for a foreign recording as for an absent one', async () => {
    const put = { method: 'PUT', headers: { 'Mediaward-Owner': 'patient-2' }, as: 'patient-2' }
    expect(await seen(await ask({ path: '/recordings/rec-1', ...put }))).toEqual(
      await seen(await ask({ path: '/recordings/rec-0', ...put })),
    )
  })
})

test('a refusal takes the same time whether the recording exists or not', { retry: 3 }, async () => {
  const timed = async (path: string, headers: Record<string, string>): Promise<number> => {
    const started = performance.now()
    await (await ask({ path, as: 'patient-2', headers })).text()
    return performance.now() - started
  }
  for (const headers of [{}, { Range: 'bytes=0-0' }, { Range: 'bytes=99999-' }] as Record<string, string>[]) {
    const foreign: number[] = []
    const absent: number[] = []
    for (let i = 0; i < 40; i++) {
      foreign.push(await timed('/recordings/rec-1', headers))
      absent.push(await timed('/recordings/rec-0', headers))
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[20] ?? 0
    // Both on the same beat: without it they are a millisecond or two apart, and always in the same direction.
    expect(median(foreign)).toBeGreaterThan(20)
    expect(Math.abs(median(foreign) - median(absent))).toBeLessThan(8)
  }
})

describe('the answer to a refusal', () => {
  test('a refusal is problem details with the id of its record, which a page of an allowed origin may read', async () => {
    const response = await ask({ path: '/recordings/rec-1', as: 'patient-2', headers: { Origin: ORIGIN } })
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(response.headers.get('vary')).toBe('Origin')
    const id = await instanceOf(response)
    expect((await denials(gate, idp)).find(event => event.id === id)?.reason).toBe('not_owner')
  })

  test('a refusal does not reflect an origin that is not on the list', async () => {
    for (const origin of [
      'https://evil.test',
      'null',
      'https://app.clinic.test.evil.test',
      'https://APP.clinic.test',
    ]) {
      const response = await ask({ path: '/recordings/rec-1', headers: { Origin: origin } })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
      expect(response.headers.get('vary')).toBe('Origin')
    }
  })

  test('a 401 challenges as RFC 6750 says, with invalid_token only for a bad token', async () => {
    expect((await ask({ path: '/recordings/rec-1' })).headers.get('www-authenticate')).toBe(
      'Bearer realm="mediaward"',
    )
    const bad = await ask({ path: '/recordings/rec-1', headers: { Authorization: 'Bearer x' } })
    expect(bad.headers.get('www-authenticate')).toBe('Bearer realm="mediaward", error="invalid_token"')
  })
})

test('a preflight is answered without a token, and leaves no refusal in the log', async () => {
  const before = (await denials(gate, idp)).length
  const response = await ask({
    path: '/recordings/rec-1',
    method: 'OPTIONS',
    headers: {
      Origin: ORIGIN,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,range',
    },
  })
  expect(response.status).toBe(204)
  expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN)
  expect(response.headers.get('access-control-allow-headers')).toMatch(/Authorization.*Range/)
  expect(response.headers.get('access-control-max-age')).toBe('7200')
  expect((await denials(gate, idp)).length).toBe(before)
})

describe('the record of a refusal', () => {
  const long = 'x'.repeat(9000)
  const cases: [
    string,
    Asked & { claims?: Record<string, unknown>; header?: object; raw?: string },
    string,
    number,
  ][] = [
    ['a request without a token', { path: '/recordings/rec-1' }, 'token_missing', 401],
    [
      'a request with Basic credentials',
      { path: '/recordings/rec-1', raw: 'Basic dTpw' },
      'token_missing',
      401,
    ],
    ['a token that is not a JWT', { path: '/recordings/rec-1', raw: 'Bearer abc' }, 'token_malformed', 401],
    ['a credential of two words', { path: '/recordings/rec-1', raw: 'Bearer a b' }, 'token_malformed', 401],
    [
      'a token that is too long',
      { path: '/recordings/rec-1', raw: `Bearer ${long}` },
      'token_malformed',
      401,
    ],
    ['a token in the query', { path: '/recordings/rec-1?access_token=abc' }, 'token_in_query', 401],
    [
      'a token of another issuer',
      { path: '/recordings/rec-1', as: 'p', claims: { iss: 'https://evil.test/' } },
      'token_issuer',
      401,
    ],
    [
      'a token for another audience',
      { path: '/recordings/rec-1', as: 'p', claims: { aud: 'shop' } },
      'token_audience',
      401,
    ],
    [
      'a token without an audience',
      { path: '/recordings/rec-1', as: 'p', claims: { aud: undefined } },
      'token_claim_missing',
      401,
    ],
    [
      'an expired token',
      { path: '/recordings/rec-1', as: 'p', claims: { exp: 1_700_000_000 } },
      'token_expired',
      401,
    ],
    [
      'a token without an end',
      { path: '/recordings/rec-1', as: 'p', claims: { exp: undefined } },
      'token_claim_missing',
      401,
    ],
    [
      'a token with an end beyond all dates',
      { path: '/recordings/rec-1', as: 'p', claims: { exp: 1e15 } },
      'token_claim_missing',
      401,
    ],
    [
      'a token that is not valid yet',
      { path: '/recordings/rec-1', as: 'p', claims: { nbf: 4_000_000_000 } },
      'token_not_yet_valid',
      401,
    ],
    [
      'a token issued in the future',
      { path: '/recordings/rec-1', as: 'p', claims: { iat: 4_000_000_000 } },
      'token_not_yet_valid',
      401,
    ],
    [
      'a token with an empty subject',
      { path: '/recordings/rec-1', as: 'p', claims: { sub: '' } },
      'token_claim_missing',
      401,
    ],
    [
      'a token with a list as its subject',
      { path: '/recordings/rec-1', as: 'p', claims: { sub: ['patient-1'] } },
      'token_claim_missing',
      401,
    ],
    [
      'a logout token',
      { path: '/recordings/rec-1', as: 'p', header: { typ: 'logout+jwt' } },
      'token_type',
      401,
    ],
    [
      'a token of an unknown key',
      { path: '/recordings/rec-1', as: 'p', header: { kid: 'nope' } },
      'token_key_unknown',
      401,
    ],
    ['a request by another patient', { path: '/recordings/rec-1', as: 'patient-2' }, 'not_owner', 404],
    [
      'a request for an absent recording',
      { path: '/recordings/rec-0', as: 'patient-1' },
      'recording_unknown',
      404,
    ],
    [
      'a request for an absent part',
      { path: '/recordings/rec-1/x.ts', as: 'patient-1' },
      'recording_unknown',
      404,
    ],
    [
      'a request with an encoded slash in its path',
      { path: '/recordings/a%2fb', as: 'patient-1' },
      'path_invalid',
      400,
    ],
    ['a request for a path outside of all routes', { path: '/elsewhere' }, 'path_invalid', 400],
    [
      'a request with the method DELETE',
      { path: '/recordings/rec-1', as: 'patient-1', method: 'DELETE' },
      'method_not_allowed',
      405,
    ],
    [
      'a PUT without the role recorder',
      { path: '/recordings/rec-1', as: 'patient-1', method: 'PUT' },
      'role_missing',
      404,
    ],
    [
      'a request for the log without the role security',
      { path: '/console/api/denials', as: 'patient-1' },
      'role_missing',
      404,
    ],
  ]
  test.each(cases)(
    '%s is refused, with one record of its reason',
    async (_, { path, as, method = 'GET', headers = {}, claims, header, raw }, reason, status) => {
      const token = as === undefined ? undefined : await idp.token(as, claims, header)
      const authorization = raw ?? (token && `Bearer ${token}`)
      const response = await fetch(gate.url + path, {
        method,
        headers: { ...headers, ...(authorization !== undefined && { Authorization: authorization }) },
      })
      expect(response.status).toBe(status)
      const id = await instanceOf(response)
      const records = (await denials(gate, idp)).filter(event => event.id === id)
      expect(records).toMatchObject([{ v: 1, kind: 'access', decision: 'deny', reason, status, method }])
    },
  )

  test('a record says who asked for whose recording, by pseudonyms that match across records', async () => {
    const session = {
      sid: 'session-of-ben',
      client_id: 'patient-app',
      roles: ['patient', 'Jane Roe, née Doe'],
      jti: 'the-token',
    }
    const headers = {
      ...(await idp.bearer('patient-2', session)),
      Range: 'bytes=0-1023',
      'Mediaward-App-Release': '4.12.0',
      'CF-Connecting-IP': '203.0.113.24',
    }
    const ids = [
      await instanceOf(await fetch(`${gate.url}/recordings/rec-1`, { headers })),
      await instanceOf(await fetch(`${gate.url}/recordings/rec-set/init.mp4`, { headers })),
    ]
    const events = (await denials(gate, idp)).filter(({ id }) => ids.includes(id))
    const [first, second] = events
    expect(first).toMatchObject({
      issuer: idp.issuer,
      roles: ['patient'],
      client: 'patient-app',
      recording: 'rec-1',
      range: 'bytes=0-1023',
      release: '4.12.0',
      tenant: 'default',
      net: { prefix: '203.0.113.0/24' },
    })
    expect(second).toMatchObject({ recording: 'rec-set', part: 'init.mp4' })
    for (const name of ['subject', 'session', 'token', 'owner'] as const) {
      expect(first?.[name]).toMatch(/^psn_[0-9a-f]{32}$/)
      expect(second?.[name]).toBe(first?.[name])
    }
    expect(new Set([first?.subject, first?.session, first?.token, first?.owner, first?.net?.ip]).size).toBe(5)
    expect((second?.gate.seq ?? 0) - (first?.gate.seq ?? 0)).toBe(1)
    expect(JSON.stringify(events)).not.toMatch(/patient-[12]|session-of-ben|the-token|Jane|203\.0\.113\.24/)
  })

  test('a record names the subject of an expired token, and no subject of a forged one', async () => {
    const reasonAndSubject = async (token: string) => {
      const response = await fetch(`${gate.url}/recordings/rec-1`, {
        headers: { Authorization: `Bearer ${token}` },
      })
      const id = await instanceOf(response)
      const event = (await denials(gate, idp)).find(one => one.id === id)
      return [event?.reason, event?.subject]
    }
    const [, subject] = await reasonAndSubject(await idp.token('patient-2'))
    expect(subject).toMatch(/^psn_/)
    const expired = await idp.token('patient-2', { exp: 1_700_000_000 })
    expect(await reasonAndSubject(expired)).toEqual(['token_expired', subject])
    const forger = await createIssuer(idp.issuer, idp.audience)
    expect(await reasonAndSubject(await forger.token('patient-2'))).toEqual(['token_signature', undefined])
  })

  test('no secret in a record: what a caller puts anywhere in a request reaches neither log nor output', async () => {
    const secret = 'SeCrEt-0123456789-0123456789-0123456789'
    const before = new Set((await denials(gate, idp)).map(({ id }) => id))
    await fetch(`${gate.url}/recordings/rec-1?token=${secret}&access_token=${secret}`)
    // What has the form of a signed token is no name of a part.
    await fetch(`${gate.url}/recordings/rec-1/eyJ${secret}.${secret}.${secret}`)
    await fetch(`${gate.url}/${secret}`)
    // At a place of its own, or it would be counted with others of this file: its release is none that a record tells.
    await fetch(`${gate.url}/recordings/rec-of-secrets`, {
      headers: {
        Authorization: `Bearer ${secret}`,
        Cookie: `session=${secret}`,
        Range: `bytes=0-${secret}`,
        Referer: `https://x.test/${secret}`,
        'User-Agent': secret,
        'Mediaward-App-Release': secret,
        'X-Forwarded-For': secret,
      },
    })
    const hostile = {
      [secret]: secret,
      roles: [`${secret} ${secret}`, '\ud800'],
      client_id: `a ${secret}`,
      sid: '\ud800',
      jti: secret,
    }
    await fetch(`${gate.url}/recordings/rec-1`, { headers: await idp.bearer(secret, hostile) })
    const events = (await denials(gate, idp)).filter(({ id }) => !before.has(id))
    expect(events).toHaveLength(5)
    expect(JSON.stringify(events)).not.toContain('SeCrEt')
    expect(gate.said()).not.toContain('SeCrEt')
  })
})

test('the same subject id of another issuer is another person to the gate', async () => {
  const [clinic, other] = [
    await createIssuer(),
    await createIssuer('https://login.other.test/', 'recordings', 'test'),
  ]
  const shared = await startGate({ vars: variables(clinic, other) })
  try {
    await store(shared, clinic, '/recordings/rec-1', 'patient-1', patterned(10))
    const as = async (issuer: TestIssuer) =>
      (
        await fetch(`${shared.url}/recordings/rec-1`, {
          headers: await issuer.bearer('patient-1'),
        })
      ).status
    expect(await as(clinic)).toBe(200)
    expect(await as(other)).toBe(404)
    await store(shared, clinic, '/recordings/rec-2', 'patient-1', patterned(10), {
      'Mediaward-Owner-Issuer': other.issuer,
    })
    const theirs = await fetch(`${shared.url}/recordings/rec-2`, { headers: await other.bearer('patient-1') })
    expect(theirs.status).toBe(200)
  } finally {
    await shared.stop()
  }
})

test.each([
  ['GET /recordings/a\\b', 'gate.test', 400],
  ['GET /recordings/..\\b', 'gate.test', 400],
  ['GET http://gate.test/recordings/a\\b', 'gate.test', 400],
  ['GET /recordings/a', 'gate.test:99999', 401],
  ['GET /recordings/a', '1.2.3.999', 401],
  ['GET /recordings/a', '[::1]:80', 401],
])('the gate itself refuses %s with Host %s, and records it', async (line, host, status) => {
  const head = `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
  const answer = await sendRaw(Number(new URL(gate.url).port), head)
  expect(answer.status).toBe(status)
  const { instance } = JSON.parse(answer.body.toString()) as { instance: string }
  const ids = (await denials(gate, idp)).map(({ id }) => `urn:uuid:${id}`)
  expect(ids).toContain(instance)
})
