import fc from 'fast-check'
import { type JWTPayload, UnsecuredJWT } from 'jose'
import { beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { COMPARISONS, type Compared } from '../../../src/explain/compared.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { sample } from '../../support/sample.ts'

// What the operator reads of refused tokens. Anyone can send one, so what is in it must not reach the console as it is,
// and must not keep the operator from reading of an honest mistake.

const AN_HOUR = 3_600_000
const idp = await createIssuer('https://login.clinic.test')

let said: MockInstance<typeof console.error>
let now: number
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockReturnValue()
  said.mockClear()
  now = Date.now()
})
const lines = () => said.mock.calls.map(([line]) => String(line))

const open = (entry = {}) => memoryGate({ issuers: [idp.entry(entry)], now: () => now }, idp)
const ask = (gate: MemoryGate, claims: JWTPayload) => gate.ask('patient-1', '/recordings/rec-1', { claims })
/** A token without a good signature, as any stranger can send it. */
const forged = (gate: MemoryGate, claims: JWTPayload) => {
  const [, payload] = new UnsecuredJWT(claims).encode().split('.')
  const token = `${Buffer.from('{"alg":"ES256","kid":"test"}').toString('base64url')}.${payload}.AAAA`
  return gate.fetch('/recordings/rec-1', { headers: { authorization: `Bearer ${token}` } })
}

describe('what is said', () => {
  test('a refusal of a kind is said once, with the reason, what came, what is configured and how to fix it', async () => {
    const gate = await open()
    for (let i = 0; i < 5; i++) expect((await ask(gate, { iss: `${idp.issuer}/` })).status).toBe(401)
    expect(lines()).toEqual([
      `mediaward: token_issuer: a token has the iss "${idp.issuer}/"; the nearest configured issuer is "${idp.issuer}": they differ by a slash at the end. To fix it: write "issuer" to the letter as its tokens have it`,
    ])
  })

  test('refusals that are part of normal use are not said: no token, an expired one, and another owner', async () => {
    const gate = await open()
    await gate.fetch('/recordings/rec-1')
    await ask(gate, { exp: Math.floor(now / 1000) - 3600 })
    await gate.ask('patient-2', '/recordings/rec-1')
    await gate.ask('recorder-1', '/console/api/denials', { claims: { roles: ['recorder'] } })
    expect((await gate.events('access')).map(({ reason }) => reason)).toEqual([
      ...['token_missing', 'token_expired', 'not_owner', 'role_missing'],
    ])
    expect(lines()).toEqual([])
  })

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'a required claim with the name of a member of every object is named: %s',
    async name => {
      const gate = await open({ required_claims: JSON.parse(`{"${name}":"x"}`) })
      expect((await ask(gate, {})).status).toBe(401)
      expect(lines()).toEqual([
        `mediaward: token_claim_missing: "required_claims" asks for "${name}", which a token lacks (entry "${idp.issuer}"). To fix it: have the provider write it, or take it out of "required_claims"`,
      ])
    },
  )

  test('a permitted request says nothing', async () => {
    const gate = await open()
    expect((await gate.ask('patient-1', '/recordings/rec-1')).status).toBe(200)
    expect(lines()).toEqual([])
  })
})

test('a page of another site is said to be why the header of a login proxy does not count', async () => {
  const gate = await open({ header: 'X-Forwarded-Access-Token' })
  const headers = { 'x-forwarded-access-token': await idp.token('patient-1'), 'sec-fetch-site': 'cross-site' }
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(401)
  expect(lines()).toEqual([
    "mediaward: token_missing: a page of another site sent a request, for which the header of a login proxy doesn't count. To fix it: add its origin to ALLOWED_ORIGINS if it is that of an app of yours",
  ])
})

describe('hostile values', () => {
  test.each<[string, JWTPayload]>([
    ['a line break', { iss: 'https://a.test/\nmediaward: ledger_unavailable, event 0' }],
    ['an escape sequence', { iss: 'https://a.test/\u001b[2J\u001b]0;x\u0007' }],
    ['a change of direction', { iss: 'https://a.test/\u202e\u2066gpj' }],
    ['a line separator', { iss: 'https://a.test/\u2028x' }],
    ['a user and a password', { iss: 'https://root:hunter2secret@a.test/' }],
    ['a query', { iss: 'https://a.test/?email=patient@clinic.test&hunter2secret' }],
    ['a fragment', { iss: 'https://a.test/#hunter2secret' }],
    ['an address of a person', { iss: 'https://a.test/patient@clinic.test' }],
    ['a token', { iss: 'https://a.test/eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.hunter2secret' }],
    ['another scheme', { iss: 'javascript:hunter2secret' }],
    ['great length', { iss: `https://a.test/${'x'.repeat(8000)}` }],
  ])('an iss with %s neither leaves its line nor is shown as it is', async (_, claims) => {
    const gate = await open()
    expect((await forged(gate, claims)).status).toBe(401)
    const [line = '', ...others] = lines()
    expect(others).toEqual([])
    expect(line).toMatch(/^mediaward: token_issuer: [ -~…]+$/)
    expect(line).not.toMatch(/hunter2secret|patient@|\[2J|event 0/)
    expect(line.length).toBeLessThan(700)
  })

  test.each<[string, JWTPayload['aud'], RegExp]>([
    ['an address', 'patient@clinic.test', /has an aud that is not shown/],
    ['a phone number', '+441632960961', /has an aud that is not shown/],
    ['a number of a patient', '9434765919', /has an aud that is not shown/],
    ['a token', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln', /has an aud that is not shown/],
    ['a query', 'https://api.clinic.test?patient=7', /has an aud that is not shown/],
    ['a line break', 'api\nmediaward: x', /has an aud that is not shown/],
    ['a person among services', ['api', 'patient@clinic.test'], /the aud "api" \(not shown: 1\)/],
    ['many services', ['a', 'b', 'c', 'd', 'e'], /the aud "a", "b", "c", 2 more/],
    ['a service', 'api://3f5c', /the aud "api:\/\/3f5c"/],
    ['great length', 'x'.repeat(5000), /the aud "x{200}…"/],
  ])('an aud with %s is shown as far as it names a service', async (_, aud, expected) => {
    const gate = await open()
    await ask(gate, { aud: aud as string })
    expect(lines()).toEqual([expect.stringMatching(expected)])
    expect(lines()[0]).not.toMatch(/patient@|1632|9434|eyJ|patient=/)
  })

  test('no claim but iss and aud is shown, whatever a trusted provider writes', async () => {
    const gate = await open({
      tenant_claim: 'org',
      clients: ['app'],
      required_claims: { acr: '2' },
      subject_claim: 'patient',
    })
    const SECRET = 'hunter2secret'
    const good = { patient: 'p', fhirUser: 'Patient/p', org: 'o', azp: 'app', acr: '2' }
    for (const changed of [
      { patient: { id: SECRET } },
      { fhirUser: SECRET },
      { org: `${SECRET} x` },
      { azp: SECRET },
      { acr: SECRET },
      { exp: SECRET },
      { act: { sub: SECRET } },
      { cnf: { jkt: SECRET } },
    ]) {
      await ask(gate, { ...good, ...changed } as never)
      now += AN_HOUR
    }
    await gate.ask('p', '/console/api/denials', { claims: { ...good, roles: [SECRET] } })
    expect(lines().length).toBeGreaterThan(5)
    expect(lines().join()).not.toContain(SECRET)
  })

  test('property: whatever claims a stranger sends, an answer leaves, and each line is one line of printable characters', async () => {
    const gate = await open({ name: 'patients' })
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.jsonValue(),
      fc.constant(idp.issuer),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('iss', 'aud', 'sub', 'exp', 'act'), value),
        async claims => {
          now += AN_HOUR
          said.mockClear()
          expect((await forged(gate, claims as JWTPayload)).status).toBe(401)
          for (const line of lines()) expect(line).toMatch(/^mediaward: token_\w+: [ -~…]+$/)
        },
      ),
      sample(200, 20_000),
    )
  })
})

describe('budgets', () => {
  /** What a stranger can send without end. */
  const flood = async (gate: MemoryGate) => {
    for (let i = 0; i < 30; i++) await forged(gate, { iss: `https://x${i}.test/` })
    for (const [i, suffix] of ['/', '/a', '/b'].entries()) {
      await forged(gate, { iss: `${idp.issuer}${suffix}` })
      await gate.fetch('/recordings/rec-1', { headers: { authorization: `Basic ${i}` } })
    }
    for (const token of ['opaque', 'a.b.c.d.e', 'a.b', 'e.e.e', `e${'x'.repeat(20_000)}`]) {
      await gate.fetch('/recordings/rec-1', { headers: { authorization: `Bearer ${token}` } })
    }
    await gate.fetch('/recordings/rec-1?access_token=x')
    await forged(gate, { iss: idp.issuer })
    const [, payload] = new UnsecuredJWT({ iss: idp.issuer }).encode().split('.')
    for (const alg of ['HS256', 'RS512', 'none']) {
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
      await gate.fetch('/recordings/rec-1', {
        headers: { authorization: `Bearer ${header}.${payload}.AAAA` },
      })
    }
  }

  test('at most ten lines are written in an hour', async () => {
    const gate = await open({ required_claims: { acr: '2' } })
    await flood(gate)
    for (const claims of [{}, { aud: 'x' }, { sub: '' }, { act: {} }, { cnf: {} }, { exp: 'x' }]) {
      await ask(gate, claims as JWTPayload)
    }
    expect(lines()).toHaveLength(10)
  })

  test('strangers can not use up the lines of tokens with a good signature', async () => {
    const gate = await open()
    await flood(gate)
    const before = lines().length
    expect(before).toBeLessThanOrEqual(6)
    await ask(gate, { aud: 'account' })
    expect(lines().slice(before)).toEqual([expect.stringMatching(/^mediaward: token_audience: /)])
  })

  test('strangers can not use up the lines of an entry by strings that are no tokens', async () => {
    const gate = await open()
    for (const token of ['x', 'a.b.c.d.e', 'a.b', 'e.e.e', `e${'x'.repeat(20_000)}`]) {
      await gate.fetch('/recordings/rec-1', { headers: { authorization: `Bearer ${token}` } })
    }
    await gate.fetch('/recordings/rec-1?access_token=x')
    const before = lines().length
    await forged(gate, { iss: idp.issuer })
    expect(lines().slice(before)).toEqual([expect.stringMatching(/^mediaward: token_signature: /)])
  })

  test('strangers can not use up the line of an issuer that is nearly right by issuers that are not', async () => {
    const gate = await open()
    for (let i = 0; i < 30; i++) await forged(gate, { iss: `https://x${i}.test/` })
    for (const token of ['opaque', 'a.b.c.d.e']) {
      await gate.fetch('/recordings/rec-1', { headers: { authorization: `Bearer ${token}` } })
    }
    await ask(gate, { iss: `${idp.issuer}/` })
    expect(lines().at(-1)).toContain('they differ by a slash at the end')
  })

  test('each of two issuers that are nearly right has its line, and none has a second one', async () => {
    const other = await createIssuer('https://staff.clinic.test')
    const gate = await memoryGate({ issuers: [idp.entry(), other.entry()], now: () => now }, idp)
    for (const iss of [`${idp.issuer}/`, `${other.issuer}/`, `${idp.issuer}/`]) await forged(gate, { iss })
    now += AN_HOUR
    for (const path of ['/', '/a', '/b']) await forged(gate, { iss: `${other.issuer}${path}` })
    expect(lines()).toHaveLength(3)
    expect(lines().slice(0, 2)).toEqual([
      expect.stringContaining(`is "${idp.issuer}": they differ by a slash`),
      expect.stringContaining(`is "${other.issuer}": they differ by a slash`),
    ])
    expect(lines()[2]).toContain(`is "${other.issuer}": it has another path`)
  })

  test('a kind that had no line left is said in the next hour, and one that was said is not said again', async () => {
    const gate = await open()
    await flood(gate)
    const first = lines()
    now += AN_HOUR
    said.mockClear()
    await flood(gate)
    expect(lines().length).toBeGreaterThan(0)
    expect(lines().filter(line => first.includes(line))).toEqual([])
  })

  test('lines go on after the clock was set back', async () => {
    const gate = await open()
    await flood(gate)
    now -= 365 * 24 * AN_HOUR
    said.mockClear()
    await forged(gate, { iss: 'https://another.test/' })
    expect(lines()).toHaveLength(1)
  })
})

describe('opaque tokens', () => {
  const introspection = { url: `${idp.issuer}/introspect`, client_id: 'gate', client_secret: 'hunter2secret' }
  const answer = (claims: object) =>
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(claims))
  const send = async (claims: object) => {
    answer(claims)
    const gate = await open({ introspection })
    return gate.fetch('/recordings/rec-1', { headers: { authorization: 'Bearer opaque-token' } })
  }

  test('one that is too long is said to be over the limit of opaque tokens', async () => {
    const gate = await open({ introspection })
    const token = 'x'.repeat(4_097)
    await gate.fetch('/recordings/rec-1', { headers: { authorization: `Bearer ${token}` } })
    expect(lines()).toEqual([
      'mediaward: token_too_long: an opaque token of 4097 characters came, and the gate takes 4096. To fix it: have the provider issue shorter ones, or signed ones',
    ])
    const formOf = (entries: readonly object[], form: string) =>
      COMPARISONS.form?.({ question: { token: form }, entries } as unknown as Compared).configured
    expect(formOf([{ introspection }], token)).toBe('at most 4096')
    expect(formOf([{ introspection }], 'e.e.e')).toBe('at most 16384, 3 parts')
    expect(formOf([{}], token)).toBe('at most 16384, 3 parts')
  })

  test('what the issuer answers about an opaque token is named by its claim, and not shown', async () => {
    const response = await send({
      active: true,
      sub: 'p',
      aud: 'hunter2secret',
      exp: Math.floor(now / 1000) + 60,
    })
    expect(response.status).toBe(401)
    expect(lines()).toEqual([
      `mediaward: token_audience: the issuer's answer about an opaque token is not as its entry asks: "aud" (entry "${idp.issuer}"). To fix it: have the issuer answer what a JWT would hold`,
    ])
  })

  test('a token that is bound to a key gets advice on its proof, and not on the answer of the issuer', async () => {
    answer({ active: true, sub: 'p', aud: 'recordings', exp: Math.floor(now / 1000) + 60, cnf: { jkt: 'x' } })
    const gate = await open({ introspection, dpop: 'accepted' })
    const authorization = 'DPoP opaque-token'
    await gate.fetch('/recordings/rec-1', { headers: { authorization, dpop: 'e.e.e' } })
    await gate.fetch('/recordings/rec-1', { headers: { authorization: 'Bearer opaque-token' } })
    expect(lines()).toEqual([
      expect.stringMatching(/^mediaward: proof_invalid: the proof of a token/),
      expect.stringMatching(/^mediaward: token_bound: .*have the app send it with the scheme DPoP/),
    ])
  })

  test('one that is not active is said: the issuer may call all of them so', async () => {
    expect((await send({ active: false })).status).toBe(401)
    expect(lines()).toEqual([expect.stringMatching(/^mediaward: token_inactive: the issuer says/)])
  })
})
