import { generateKeyPair, generateProof, type KeyPair } from 'dpop'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
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
import { OPAQUE, type OpenIdProvider, SIGNED, startOpenIdProvider } from '../support/openid-provider.ts'

// A gate that trusts a real OpenID provider: its opaque tokens by introspection, its signed ones by its keys.

const SECRET = 'INTROSPECTION_SECRET'
let provider: OpenIdProvider
let staff: TestIssuer
let gate: RunningGate

/** The variables of a gate. The secret of its client is in a variable of its own. */
function trusting(secret?: string): Record<string, string> {
  const entry = provider.opaqueEntry({
    ...provider.signedEntry({ dpop: 'accepted' }),
    audience: [OPAQUE, SIGNED],
  })
  const { client_secret, ...introspection } = entry.introspection ?? {}
  const written = { ...entry, introspection: { ...introspection, client_secret: { secret: SECRET } } }
  const given = variables(staff)
  return {
    ...given,
    ISSUERS: JSON.stringify([...JSON.parse(given.ISSUERS ?? ''), written]),
    TICKET_KEY: 'only for tests: no secret protects these tickets',
    [SECRET]: secret ?? String(client_secret),
  }
}

beforeAll(async () => {
  provider = await startOpenIdProvider({ roles: { 'recorder-2': ['recorder'] } })
  staff = await createIssuer()
  gate = await startGate({ vars: trusting() })
  const { status } = await store(gate, staff, '/recordings/rec-1', 'patient-1', patterned(1000), {
    'Mediaward-Owner-Issuer': provider.issuer,
  })
  expect(status).toBe(201)
})
afterEach(() => provider.answerWith())
afterAll(async () => {
  await gate.stop()
  await provider.close()
})

const ask = async (
  token: string,
  at: RunningGate = gate,
  init: RequestInit = {},
  path = '/recordings/rec-1',
) => {
  const headers = { ...init.headers, Authorization: `Bearer ${token}` }
  const response = await fetch(at.url + path, { ...init, headers })
  return { status: response.status, body: await response.arrayBuffer() }
}
const play = async (token: string, at: RunningGate = gate): Promise<number> => (await ask(token, at)).status
const calls = () => provider.requests.filter(request => request === 'POST /token/introspection').length
const lastDenial = async (at = gate) => (await denials(at, staff)).at(-1)

describe('an opaque token', () => {
  test('plays its subject’s recording, and no other’s, at one call a minute', async () => {
    const [own, other] = [await provider.logIn('patient-1'), await provider.logIn('patient-2')]
    const before = calls()
    const viewers = await Promise.all(Array.from({ length: 20 }, () => ask(own.access_token)))
    for (const { status, body } of viewers) {
      expect(status).toBe(200)
      expect(new Uint8Array(body)).toEqual(patterned(1000))
    }
    expect(await play(own.access_token)).toBe(200)
    expect(calls() - before).toBe(1)
    expect(await play(other.access_token)).toBe(404)
    expect(await lastDenial()).toMatchObject({ reason: 'not_owner', issuer: provider.issuer, client: 'app' })
    expect(await play(own.access_token)).toBe(200)
  })

  test('stores a recording if its claims give the role, and gets a ticket that plays it', async () => {
    const recorder = await provider.logIn('recorder-2')
    const put = {
      method: 'PUT',
      headers: { 'Mediaward-Owner': 'patient-3', 'Mediaward-Owner-Issuer': provider.issuer },
      body: 'bytes',
    }
    expect((await ask(recorder.access_token, gate, put, '/recordings/rec-3')).status).toBe(201)
    const patient = await provider.logIn('patient-3')
    expect((await ask(patient.access_token, gate, put, '/recordings/rec-4')).status).toBe(404)
    const ticket = await ask(patient.access_token, gate, { method: 'POST' }, '/recordings/rec-3/ticket')
    const { url } = JSON.parse(new TextDecoder().decode(ticket.body)) as { url: string }
    expect(await (await fetch(url)).text()).toBe('bytes')
  })

  test('is refused if the provider revoked it before it was used', async () => {
    const { access_token } = await provider.logIn('patient-1')
    await provider.revoke(access_token)
    expect(await play(access_token)).toBe(401)
    expect(await lastDenial()).toMatchObject({ reason: 'token_inactive', entry: provider.issuer })
  })

  test('is refused if it is made up, at one call however often it is sent', async () => {
    const before = calls()
    for (let i = 0; i < 5; i++) expect(await play('made-up-0123456789')).toBe(401)
    expect(calls() - before).toBe(1)
  })

  test('is refused if it is a refresh token, which the provider calls active', async () => {
    const { refresh_token } = await provider.logIn('patient-1')
    expect(await play(refresh_token)).toBe(401)
    expect(await lastDenial()).toMatchObject({ reason: 'token_claim_missing', claim: 'aud' })
  })

  test('is in no record and on no console', async () => {
    const { access_token } = await provider.logIn('patient-1')
    expect(await play(access_token)).toBe(200)
    expect(await play(`${access_token}-other`)).toBe(401)
    const all = JSON.stringify(await records(gate, staff)) + gate.said()
    expect(all).not.toContain(access_token)
    expect(all).not.toContain('only for tests')
  })
})

describe.each([
  ['an opaque token', OPAQUE],
  ['a signed token', SIGNED],
])('%s that is bound to a DPoP key', (_, resource) => {
  test('plays and gets a ticket with proofs of that key, and with nothing else', async () => {
    const [keys, thief] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    const dpop = (method: string, url: string) => generateProof(keys, url, method)
    const { access_token, token_type } = await provider.logIn('patient-1', { resource, dpop })
    expect(token_type).toBe('DPoP')
    const proven = async (by: KeyPair, path: string, method = 'GET') => {
      const proof = await generateProof(by, gate.url + path, method, undefined, access_token)
      const headers = { Authorization: `DPoP ${access_token}`, DPoP: proof }
      return fetch(gate.url + path, { method, headers })
    }
    expect((await (await proven(keys, '/recordings/rec-1')).arrayBuffer()).byteLength).toBe(1000)
    expect((await proven(keys, '/recordings/rec-1')).status).toBe(200)
    expect((await proven(keys, '/recordings/rec-1/ticket', 'POST')).status).toBe(201)
    expect((await proven(thief, '/recordings/rec-1')).status).toBe(401)
    expect(await lastDenial()).toMatchObject({ reason: 'token_key_mismatch', client: 'app' })
    expect(await play(access_token)).toBe(401)
    expect(await lastDenial()).toMatchObject({ reason: 'token_bound', issuer: provider.issuer })
  })

  test('is needed for a proof to count', async () => {
    const keys = await generateKeyPair('ES256')
    const { access_token } = await provider.logIn('patient-1', { resource })
    const url = `${gate.url}/recordings/rec-1`
    const proof = await generateProof(keys, url, 'GET', undefined, access_token)
    const headers = { Authorization: `DPoP ${access_token}`, DPoP: proof }
    expect((await fetch(url, { headers })).status).toBe(401)
    expect(await lastDenial()).toMatchObject({ reason: 'token_unbound' })
    expect(await play(access_token)).toBe(200)
  })
})

test('a signed token plays by the keys that discovery finds, also after a rotation, and is never sent to the provider', async () => {
  const before = calls()
  const { access_token } = await provider.logIn('patient-1', { resource: SIGNED })
  expect(await play(access_token)).toBe(200)
  expect(provider.requests).toEqual(
    expect.arrayContaining(['GET /.well-known/openid-configuration', 'GET /jwks']),
  )
  // First, as each damaged token could be of a new key, and new keys are looked for once in 15 seconds.
  await provider.rotate()
  expect(await play((await provider.logIn('patient-1', { resource: SIGNED })).access_token)).toBe(200)
  const [header, payload] = access_token.split('.')
  for (const damaged of [
    `${header}.${payload}.`,
    `${header}.${payload}.AAAA`,
    `${header}.e30.AAAA`,
    `${access_token}~`,
  ]) {
    expect(await play(damaged)).toBe(401)
  }
  expect(calls()).toBe(before)
})

test('requests get 503 while the provider is down, and its console says why', async () => {
  const { access_token } = await provider.logIn('patient-1')
  const known = await provider.logIn('patient-1')
  expect(await play(known.access_token)).toBe(200)
  provider.answerWith((_, response) => void response.writeHead(502).end('down'))
  const response = await fetch(`${gate.url}/recordings/rec-1`, {
    headers: { Authorization: `Bearer ${access_token}` },
  })
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('5')
  expect(await lastDenial()).toMatchObject({ reason: 'introspection_unavailable' })
  expect(gate.said()).toContain(
    `no answer about tokens from ${provider.issuer}/token/introspection (status 502)`,
  )
  // The answer about the other token is a minute old at most.
  expect(await play(known.access_token)).toBe(200)
  provider.answerWith()
  expect(await play(access_token)).toBe(200)
})

test('a provider that takes too long costs a request five seconds', { timeout: 30_000 }, async () => {
  const { access_token } = await provider.logIn('patient-1')
  provider.answerWith(() => {})
  const began = performance.now()
  const statuses = await Promise.all([play(access_token), play(access_token), play('another-opaque-token')])
  expect(statuses).toEqual([503, 503, 503])
  expect(performance.now() - began).toBeGreaterThan(4_000)
  expect(gate.said()).toContain('(no answer in time)')
  provider.answerWith()
  expect(await play(access_token)).toBe(200)
})

test('a gate that the provider doesn’t know says so on its console, without the secret', async () => {
  const other = await startGate({ vars: trusting('SECRET-that-is-wrong') })
  try {
    const { access_token } = await provider.logIn('patient-1')
    expect(await play(access_token, other)).toBe(503)
    expect(other.said()).toMatch(
      /status 401 invalid_client, so it doesn't accept the gate as the client "the gate: 1"/,
    )
    expect(other.said()).not.toContain('SECRET-that')
  } finally {
    await other.stop()
  }
})

test('a gate without the variable that holds the secret doesn’t start, and names it', async () => {
  const { [SECRET]: _, ...rest } = trusting()
  await expect(startGate({ vars: rest })).rejects.toThrow(
    /ISSUERS\[1\]\.introspection\.client_secret .* names the variable INTROSPECTION_SECRET, which is missing or blank/,
  )
})
