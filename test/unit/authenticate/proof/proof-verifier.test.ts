import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Issuer } from '../../../../src/authenticate/issuer.ts'
import type { MediawardOptions } from '../../../../src/index.ts'
import { createPseudonymizer } from '../../../../src/ledger/pseudonym.ts'
import { createIssuer, PSEUDONYM_KEY } from '../../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../../support/memory-gate.ts'
import { createProver, type Said } from '../../../support/prover.ts'

// Tokens that are bound to a key of the client (RFC 9449), as a gate takes and refuses them.

const REC = '/recordings/rec-1'
const [idp, client, thief] = [await createIssuer(), await createProver(), await createProver()]
const PATIENT = await createPseudonymizer(PSEUDONYM_KEY)('subject', idp.issuer, 'patient-1')
const BEARER = 'Bearer realm="mediaward"'
const DPOP = 'DPoP algs="ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA Ed25519"'

function open(entry: Partial<Issuer> = {}, options: Partial<MediawardOptions> = {}): Promise<MemoryGate> {
  const tickets = { keys: ['a ticket key of the tests, long enough to be one'] }
  return memoryGate({ issuers: [idp.entry({ dpop: 'accepted', ...entry })], tickets, ...options }, idp)
}
const tokenOf = (claims: object = {}) =>
  idp.token('patient-1', { cnf: client.cnf, client_id: 'app', ...claims })

/** Sends a token with a good proof, or with one that says something else. */
async function send(gate: MemoryGate, token: string, said?: Said, path = REC, init: RequestInit = {}) {
  const proved = { url: `https://gate.test${path}`, token, method: init.method ?? 'GET' }
  const headers = { ...(await client.headers(proved, said)), ...init.headers }
  return gate.fetch(path, { ...init, headers })
}
/** What the caller sees of an answer. */
async function seen(response: Response): Promise<object> {
  const body = (await response.text()).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'EVENT')
  return { status: response.status, headers: [...response.headers], body }
}
const lastOf = async (gate: MemoryGate) => (await gate.events('access')).at(-1)

describe('a token that is bound to a key', () => {
  const question = {
    subject: { type: 'user', id: 'patient-1' },
    action: { name: 'play' },
    resource: { type: 'recording', id: 'rec-1' },
  }
  test.each<[string, string, RequestInit, number]>([
    ['plays', REC, {}, 200],
    ['asks for the headers alone', REC, { method: 'HEAD' }, 200],
    ['gets a ticket', `${REC}/ticket`, { method: 'POST' }, 201],
    [
      'stores',
      '/recordings/new',
      { method: 'PUT', body: 'x', headers: { 'mediaward-owner': 'patient-1', 'content-length': '1' } },
      201,
    ],
    [
      'asks about a list',
      '/access/v1/evaluation',
      { method: 'POST', body: JSON.stringify(question), headers: { 'content-type': 'application/json' } },
      200,
    ],
    ['reads the log', '/console/api/records?limit=1', {}, 200],
  ])('%s with a proof', async (_, path, init, status) => {
    const gate = await open()
    const token = await tokenOf({ roles: ['recorder', 'security', 'app'] })
    expect((await send(gate, token, {}, path, init)).status).toBe(status)
  })

  test('plays as often as it comes with a new proof, and only the proofs are verified each time', async () => {
    const gate = await open()
    const token = await tokenOf()
    const verify = vi.spyOn(crypto.subtle, 'verify')
    onTestFinished(() => verify.mockRestore())
    for (let i = 0; i < 5; i++) expect((await send(gate, token)).status).toBe(200)
    expect(verify).toHaveBeenCalledTimes(1 + 5)
  })

  test('costs a gate nothing for tokens that are bound to none', async () => {
    const gate = await open()
    const headers = { authorization: `Bearer ${await tokenOf({ cnf: undefined })}` }
    await gate.fetch(REC, { headers })
    const [verify, digest] = [vi.spyOn(crypto.subtle, 'verify'), vi.spyOn(crypto.subtle, 'digest')]
    onTestFinished(() => void [verify.mockRestore(), digest.mockRestore()])
    for (let i = 0; i < 5; i++) expect((await gate.fetch(REC, { headers })).status).toBe(200)
    expect([verify.mock.calls, digest.mock.calls]).toEqual([[], []])
  })

  test('opens nothing that its subject may not play', async () => {
    const gate = await open()
    const token = await idp.token('patient-2', { cnf: client.cnf })
    expect((await send(gate, token)).status).toBe(404)
  })

  test('gets a ticket that plays without a proof', async () => {
    const gate = await open({ dpop: 'required' })
    const issued = await send(gate, await tokenOf(), {}, `${REC}/ticket`, { method: 'POST' })
    const { url } = (await issued.json()) as { url: string }
    expect((await gate.fetch(new URL(url).pathname)).status).toBe(200)
  })

  test('is compared with PUBLIC_URL, whatever the request calls the gate', async () => {
    const gate = await open({}, { publicUrl: 'https://media.clinic.test' })
    const said = { claims: { htu: `https://media.clinic.test${REC}` } }
    expect((await send(gate, await tokenOf(), said)).status).toBe(200)
    expect((await send(gate, await tokenOf())).status).toBe(401)
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_invalid', claim: 'htu' })
  })

  test('comes with a proof for its URL without the query', async () => {
    const gate = await open()
    const said = { claims: { htu: `https://gate.test${REC}` } }
    expect((await send(gate, await tokenOf(), said, `${REC}?t=10`)).status).toBe(200)
  })
})

describe('a proof', () => {
  test('is good once', async () => {
    const gate = await open()
    const token = await tokenOf()
    const proved = { url: `https://gate.test${REC}`, token }
    const headers = await client.headers(proved)
    expect((await gate.fetch(REC, { headers })).status).toBe(200)
    const again = await gate.fetch(REC, { headers })
    expect(again.status).toBe(401)
    expect(again.headers.get('www-authenticate')).toBe(`${BEARER}, ${DPOP}, error="invalid_dpop_proof"`)
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_replayed', claim: 'jti', subject: PATIENT })
    const sameId = { claims: { jti: JSON.parse(atob(headers.dpop.split('.')[1] ?? '')).jti } }
    expect((await send(gate, token, sameId)).status).toBe(401)
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_replayed' })
  })

  test('is good once if two requests send it at the same time', async () => {
    const gate = await open()
    const token = await tokenOf()
    const headers = await client.headers({ url: `https://gate.test${REC}`, token })
    const answers = await Promise.all([1, 2, 3, 4].map(() => gate.fetch(REC, { headers })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
  })

  test('may have the id of one for another URL, or of another key', async () => {
    const gate = await open()
    const said = { claims: { jti: 'one' } }
    const [token, other] = await Promise.all([tokenOf(), tokenOf({ cnf: thief.cnf })])
    expect((await send(gate, token, said)).status).toBe(200)
    expect((await send(gate, token, said, '/recordings/rec-2')).status).toBe(404)
    const headers = await thief.headers({ url: `https://gate.test${REC}`, token: other }, said)
    expect((await gate.fetch(REC, { headers })).status).toBe(200)
  })

  test('is forgotten when it is no longer good, and is refused for its time then', async () => {
    let now = Date.now()
    const gate = await open({}, { now: () => now })
    const token = await tokenOf()
    const headers = await client.headers({ url: `https://gate.test${REC}`, token })
    expect((await gate.fetch(REC, { headers })).status).toBe(200)
    now += 58_000
    expect((await gate.fetch(REC, { headers })).status).toBe(401)
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_replayed' })
    now += 10_000
    expect((await gate.fetch(REC, { headers })).status).toBe(401)
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_invalid', claim: 'iat' })
  })

  test('that was refused can be sent again with what it is for', async () => {
    const gate = await open()
    const token = await tokenOf()
    const headers = await client.headers({ url: `https://gate.test${REC}`, token })
    expect((await gate.fetch('/recordings/rec-2', { headers })).status).toBe(401)
    expect((await gate.fetch(REC, { headers })).status).toBe(200)
  })
})

describe('a refused request', () => {
  const headersFor = (token: string) => client.headers({ url: `https://gate.test${REC}`, token })
  const table: [string, () => Promise<Record<string, string>>, object, string][] = [
    [
      'without a proof',
      async () => ({ authorization: `DPoP ${await tokenOf()}` }),
      { reason: 'proof_missing', subject: PATIENT, issuer: idp.issuer, client: 'app' },
      `${BEARER}, ${DPOP}, error="invalid_dpop_proof"`,
    ],
    [
      'with two proofs',
      async () => {
        const [one, two] = await Promise.all([tokenOf().then(headersFor), tokenOf().then(headersFor)])
        return { ...one, dpop: `${one.dpop}, ${two.dpop}` }
      },
      { reason: 'proof_invalid', subject: PATIENT, issuer: idp.issuer, client: 'app' },
      `${BEARER}, ${DPOP}, error="invalid_dpop_proof"`,
    ],
    [
      'with a proof for another token',
      async () => ({ ...(await headersFor(await tokenOf())), authorization: `DPoP ${await tokenOf()}` }),
      { reason: 'proof_invalid', claim: 'ath', subject: PATIENT, issuer: idp.issuer, client: 'app' },
      `${BEARER}, ${DPOP}, error="invalid_dpop_proof"`,
    ],
    [
      'with a proof of another key',
      async () => thief.headers({ url: `https://gate.test${REC}`, token: await tokenOf() }),
      { reason: 'token_key_mismatch', claim: 'cnf', subject: PATIENT, issuer: idp.issuer, client: 'app' },
      `${BEARER}, ${DPOP}, error="invalid_token"`,
    ],
    [
      'with a bound token as a bearer token',
      async () => ({ authorization: `Bearer ${await tokenOf()}` }),
      { reason: 'token_bound', claim: 'cnf', subject: PATIENT, issuer: idp.issuer, client: 'app' },
      `${BEARER}, error="invalid_token", ${DPOP}`,
    ],
    [
      'with a bound token as a bearer token, and a proof',
      async () => {
        const token = await tokenOf()
        return { ...(await headersFor(token)), authorization: `Bearer ${token}` }
      },
      { reason: 'token_bound', claim: 'cnf', subject: PATIENT },
      `${BEARER}, error="invalid_token", ${DPOP}`,
    ],
    [
      'with an unbound token and a proof',
      async () => headersFor(await tokenOf({ cnf: undefined })),
      { reason: 'token_unbound', claim: 'cnf', subject: PATIENT, issuer: idp.issuer, client: 'app' },
      `${BEARER}, ${DPOP}, error="invalid_token"`,
    ],
    [
      'with an expired token and a good proof',
      async () => headersFor(await tokenOf({ exp: 1_700_000_000 })),
      { reason: 'token_expired', claim: 'exp', subject: PATIENT },
      `${BEARER}, ${DPOP}, error="invalid_token"`,
    ],
    ['without a token', async () => ({}), { reason: 'token_missing' }, `${BEARER}, ${DPOP}`],
    [
      'with the scheme alone',
      async () => ({ authorization: 'DPoP' }),
      { reason: 'token_malformed' },
      `${BEARER}, ${DPOP}, error="invalid_token"`,
    ],
  ]
  test.each(table)(
    '%s is recorded with what is known, and challenged',
    async (_, headers, facts, challenge) => {
      const gate = await open()
      const response = await gate.fetch(REC, { headers: await headers() })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe(challenge)
      expect(await lastOf(gate)).toMatchObject(facts)
    },
  )

  test('is recorded with what is wrong with the proof, if the token is wrong too', async () => {
    const gate = await open()
    const token = await tokenOf({ exp: 1_700_000_000 })
    await send(gate, token, { claims: { ath: 'another' } })
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_invalid', claim: 'ath', subject: PATIENT })
    await gate.fetch(REC, { headers: { authorization: `DPoP ${token}` } })
    expect(await lastOf(gate)).toMatchObject({ reason: 'proof_missing', subject: PATIENT })
    expect(await lastOf(gate)).not.toHaveProperty('claim')
  })

  test('has a record without the proof, its id and its key', async () => {
    const gate = await open()
    const token = await tokenOf()
    const headers = await client.headers(
      { url: `https://gate.test${REC}`, token },
      { claims: { jti: 'secret-id', htm: 'PUT' } },
    )
    await gate.fetch(REC, { headers })
    const json = JSON.stringify(await gate.events())
    expect(json).toContain('"claim":"htm"')
    for (const secret of [
      'secret-id',
      client.cnf.jkt,
      client.jwk.x ?? '',
      headers.dpop.split('.')[1] ?? '',
    ]) {
      expect(json).not.toContain(secret)
    }
  })

  test.each<[string, object, string]>([
    ['a certificate', { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }, 'token_bound'],
    [
      'a certificate too',
      { ...client.cnf, 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
      'token_bound',
    ],
    ['a JWK too', { ...client.cnf, jwk: client.jwk }, 'token_bound'],
    ['nothing by an empty cnf', {}, 'token_bound'],
    ['nothing by a cnf of null', { cnf: null }, 'token_unbound'],
    ['a number for its key', { jkt: 7 }, 'token_bound'],
    ['an empty key', { jkt: '' }, 'token_key_mismatch'],
    ['a list with its key', { jkt: [client.cnf.jkt] }, 'token_bound'],
  ])('with a good proof is refused for a token that is bound to %s', async (_, cnf, reason) => {
    const gate = await open()
    const token = await tokenOf('cnf' in cnf ? cnf : { cnf })
    expect((await send(gate, token)).status).toBe(401)
    expect(await lastOf(gate)).toMatchObject({ reason, claim: 'cnf', subject: PATIENT })
  })

  test('says nothing of the token if its proof is bad, and nothing of its key if the proof is another key’s', async () => {
    const forged = (token: string) => `${token.slice(0, -4)}AAAA`
    const tokens = await Promise.all([
      tokenOf(),
      tokenOf({ exp: 1_700_000_000 }),
      tokenOf({ aud: 'shop' }),
      tokenOf({ cnf: undefined }),
      tokenOf().then(forged),
    ])
    const gate = await open()
    const badProofs = tokens.map(token => send(gate, token, { claims: { iat: 1 } }).then(seen))
    const [first, ...others] = await Promise.all(badProofs)
    for (const other of others) expect(other).toEqual(first)
    const byThief = tokens.map(async token => {
      const headers = await thief.headers({ url: `https://gate.test${REC}`, token })
      return gate.fetch(REC, { headers }).then(seen)
    })
    const [one, ...more] = await Promise.all(byThief)
    for (const other of more) expect(other).toEqual(one)
  })
})

describe('records of refused proofs', () => {
  test('are counted together for one token, however many proofs a client makes', async () => {
    const gate = await open()
    const token = await tokenOf()
    const answers = []
    for (let i = 0; i < 8; i++) answers.push(await send(gate, token, { claims: { iat: i } }))
    const ids = await Promise.all(
      answers.map(async one => ((await one.json()) as { instance: string }).instance),
    )
    expect(new Set(ids).size).toBe(4)
    expect(answers.at(-1)?.headers.get('retry-after')).not.toBeNull()
    await gate.flush()
    const events = await gate.events('access')
    expect(
      events.map(({ repeats }) => repeats && 'count' in repeats && repeats.count).filter(Boolean),
    ).toEqual([4])
  })

  test('of each kind are made, though the caller sees them alike', async () => {
    const gate = await open()
    const token = await tokenOf()
    for (let i = 0; i < 4; i++) await send(gate, token, { claims: { iat: i } })
    await send(gate, token, { claims: { htm: 'PUT' } })
    await gate.flush()
    expect((await gate.events('access')).map(({ claim }) => claim)).toEqual([
      'iat',
      'iat',
      'iat',
      'iat',
      'htm',
    ])
  })

  test('are not counted together with those of its token, which are answered otherwise', async () => {
    const gate = await open()
    const token = await tokenOf({ exp: 1_700_000_000 })
    for (let i = 0; i < 4; i++) await send(gate, token, { claims: { iat: i } })
    const [expired, bad] = [await send(gate, token), await send(gate, token, { claims: { iat: 9 } })]
    expect(expired.headers.get('retry-after')).toBeNull()
    expect(bad.headers.get('retry-after')).not.toBeNull()
  })
})

describe('entries', () => {
  test('a gate none of whose entries has dpop knows no such scheme', async () => {
    const gate = await memoryGate({ issuers: [idp.entry()] }, idp)
    const response = await send(gate, await tokenOf())
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe(BEARER)
    expect(await lastOf(gate)).toMatchObject({ reason: 'token_missing' })
    const inQuery = await send(gate, await tokenOf(), {}, `${REC}?access_token=x`)
    expect(inQuery.headers.get('www-authenticate')).toBe(`${BEARER}, error="invalid_token"`)
  })

  test('with dpop accepted, tokens that are bound to nothing stay bearer tokens', async () => {
    const gate = await open()
    expect((await gate.ask('patient-1', REC)).status).toBe(200)
  })

  test('with dpop required, a token that is bound to nothing is refused with either scheme', async () => {
    const gate = await open({ dpop: 'required' })
    const unbound = await tokenOf({ cnf: undefined })
    expect((await gate.fetch(REC, { headers: { authorization: `Bearer ${unbound}` } })).status).toBe(401)
    expect((await send(gate, unbound)).status).toBe(401)
    expect((await gate.events('access')).map(({ reason }) => reason)).toEqual([
      'token_unbound',
      'token_unbound',
    ])
    expect((await send(gate, await tokenOf())).status).toBe(200)
  })

  test('the tokens of an entry without dpop get in with neither scheme if they are bound', async () => {
    const other = await createIssuer('https://other.test/')
    const gate = await open({}, { issuers: [idp.entry({ dpop: 'accepted' }), other.entry()] })
    const token = await other.token('patient-1', { cnf: client.cnf })
    expect((await send(gate, token)).status).toBe(401)
    expect((await gate.fetch(REC, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401)
    expect((await send(gate, await other.token('patient-1'))).status).toBe(401)
    expect((await gate.events('access')).map(({ reason }) => reason)).toEqual([
      'token_bound',
      'token_bound',
      'token_unbound',
    ])
  })

  test('a bound token in a configured header or cookie is refused, with a proof too', async () => {
    const gate = await open({ header: 'X-Token', cookie: 'login' })
    const token = await tokenOf()
    const { dpop } = await client.headers({ url: `https://gate.test${REC}`, token })
    for (const headers of [
      { 'x-token': token, dpop },
      { cookie: `login=${token}`, dpop },
    ]) {
      expect((await gate.fetch(REC, { headers })).status).toBe(401)
      expect(await lastOf(gate)).toMatchObject({ reason: 'token_bound', claim: 'cnf', subject: PATIENT })
    }
    const unbound = await tokenOf({ cnf: undefined })
    expect((await gate.fetch(REC, { headers: { 'x-token': unbound } })).status).toBe(200)
  })
})
