import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Claims } from '../../../../src/authenticate/claim-value.ts'
import type { Introspection } from '../../../../src/authenticate/introspection/introspection.ts'
import { INTROSPECTION } from '../../../../src/authenticate/introspection/introspector.ts'
import type { Issuer } from '../../../../src/authenticate/issuer.ts'
import { usableKeys } from '../../../../src/authenticate/keys/usable-keys.ts'
import { TokenVerifier } from '../../../../src/authenticate/token-verifier.ts'
import { TrustedIssuers } from '../../../../src/authenticate/trusted-issuers.ts'
import { Refusal } from '../../../../src/refusal.ts'
import { contextOf } from '../../../support/context.ts'
import { createIssuer } from '../../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../../support/memory-gate.ts'

// Opaque tokens on their way through a gate, under a clock that the test moves.

const idp = await createIssuer('https://idp.test/')
const OTHER = 'https://other.test/'
const START = 1_800_000_000_000
const { activeFor, refusedFor } = INTROSPECTION

/** What the issuers answer, by token. A token that isn't there is not active. */
let answers: Record<string, Claims | (() => Response | Promise<Response>)>
/** The calls so far: host and token. */
let calls: string[]
let now: number
let said: string[]

beforeEach(() => {
  answers = {}
  calls = []
  now = START
  said = []
  vi.spyOn(console, 'error').mockImplementation(line => void said.push(String(line)))
  vi.stubGlobal('fetch', async (url: string, { body }: { body: string }) => {
    const token = new URLSearchParams(body).get('token') ?? ''
    calls.push(`${new URL(url).hostname} ${token}`)
    const answer = answers[token] ?? { active: false }
    return typeof answer === 'function' ? answer() : Response.json(answer)
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const introspection = (host: string): Introspection => ({
  url: `https://${host}/introspect`,
  client_id: 'gate',
  client_secret: 'SECRET',
})
const entry = (more: Partial<Issuer> = {}): Issuer => ({
  issuer: idp.issuer,
  audience: 'recordings',
  introspection: introspection('idp.test'),
  ...more,
})
const claims = (more: Claims = {}): Claims => ({
  active: true,
  iss: idp.issuer,
  aud: 'recordings',
  sub: 'patient-1',
  client_id: 'app',
  exp: START / 1000 + 600,
  token_type: 'Bearer',
  ...more,
})
const gateOf = (...issuers: Issuer[]): Promise<MemoryGate> => memoryGate({ issuers, now: () => now }, idp)
/** The status of a request with this token, and the reason and claim of a refusal. */
async function play(gate: MemoryGate, token: string, header?: string): Promise<string> {
  const before = (await gate.events('access')).length
  const headers = header === undefined ? { authorization: `Bearer ${token}` } : { [header]: token }
  const { status } = await gate.fetch('/recordings/rec-1', { headers })
  const event = (await gate.events('access'))[before]
  return event === undefined ? `${status}` : [status, event.reason, event.claim].join(' ').trim()
}
/** What becomes of a token about which the issuer answers this. */
async function playAs(answer: Claims, more: Partial<Issuer> = {}): Promise<string> {
  answers.opaque = answer
  return play(await gateOf(entry(more)), 'opaque')
}

describe('the answer about a token is checked as the claims of a signed one', () => {
  test.each<[string, string, Claims, Partial<Issuer>?]>([
    ['plays if all is right', '200', claims()],
    ['may leave iss out', '200', claims({ iss: undefined })],
    ['may leave token_type out', '200', claims({ token_type: undefined })],
    ['is for its subject alone', '404 not_owner', claims({ sub: 'patient-2' })],
    ['must name the issuer if it names one', '401 token_issuer iss', claims({ iss: 'https://idp.test' })],
    ['must name one issuer', '401 token_issuer iss', claims({ iss: [idp.issuer] })],
    ['must name the subject', '401 token_claim_missing sub', claims({ sub: undefined })],
    ['must have an end', '401 token_claim_missing exp', claims({ exp: undefined })],
    ['must have an end that is a number', '401 token_claim_missing exp', claims({ exp: '1800000600' })],
    ['must not be over', '401 token_expired exp', claims({ exp: START / 1000 - 31 })],
    ['must have begun', '401 token_not_yet_valid nbf', claims({ nbf: START / 1000 + 31 })],
    ['must not be too old', '401 token_too_old iat', claims({ iat: START / 1000 - 100 }), { max_age_s: 60 }],
    ['must be for the audience', '401 token_audience aud', claims({ aud: 'others' })],
    ['must have an audience', '401 token_claim_missing aud', claims({ aud: undefined })],
    [
      'may have a listed client in place of it',
      '200',
      claims({ aud: undefined }),
      { audience: undefined as never, clients: ['app'] },
    ],
    ['must be of a listed client', '401 token_client client_id', claims(), { clients: ['other'] }],
    [
      'must have the required values',
      '401 token_claim_missing acr',
      claims(),
      { required_claims: { acr: '2' } },
    ],
    [
      'takes the words of scope',
      '200',
      claims({ scope: 'openid play' }),
      { required_claims: { scope: 'play' } },
    ],
    ['must name a tenant if tenants count', '401 token_claim_missing org', claims(), { tenant_claim: 'org' }],
    ['must name no actor', '401 token_actor act', claims({ act: { sub: 'staff-1' } })],
    ['must not be bound', '401 token_bound cnf', claims({ cnf: { jkt: 'x' } })],
    ['must not be an event', '401 token_type events', claims({ events: {} })],
    [
      'takes another claim as the subject',
      '200',
      claims({ sub: 'x', username: 'patient-1' }),
      { subject_claim: 'username' },
    ],
  ])('it %s: %s', async (_, outcome, answer, more) => {
    expect(await playAs(answer, more)).toBe(outcome)
  })

  test.each([
    'refresh_token',
    'Refresh',
    'urn:ietf:params:oauth:token-type:id_token',
    'N_A',
    'mac',
    '',
    1,
    ['Bearer'],
  ])('a token of the kind %j is refused, wherever the answer says so', async kind => {
    for (const member of ['token_type', 'typ', 'token_use']) {
      expect(await playAs(claims({ [member]: kind }))).toBe(`401 token_type ${member}`)
    }
  })

  test.each(['DPoP', 'dpop'])('a token of the kind %s needs the key that it is bound to', async kind => {
    for (const member of ['token_type', 'typ', 'token_use']) {
      for (const more of [{}, { cnf: {} }, { cnf: null }, { cnf: { 'x5t#S256': 'x' } }]) {
        for (const allowed of [{}, { allow_unbound: true }]) {
          expect(await playAs(claims({ [member]: kind, ...more }), allowed)).toBe('401 token_bound cnf')
        }
      }
    }
  })

  test.each(['Bearer', 'bearer', 'access_token', 'at+jwt'])(
    'a token of the kind %s is accepted',
    async kind => {
      for (const member of ['token_type', 'typ', 'token_use']) {
        expect(await playAs(claims({ [member]: kind }))).toBe('200')
      }
    },
  )

  test('its record names issuer, client and subject, and neither the token nor its hash', async () => {
    answers['secret-token'] = claims({ sub: 'patient-2' })
    const gate = await gateOf(entry())
    await play(gate, 'secret-token')
    const [event] = await gate.events('access')
    expect(event).toMatchObject({ reason: 'not_owner', issuer: idp.issuer, client: 'app' })
    expect(event?.token).toMatch(/^psn_/)
    const json = JSON.stringify(await gate.events())
    expect(json).not.toContain('secret-token')
    // The same token, by the issuer's own name for it.
    answers['named-token'] = claims({ sub: 'patient-2', jti: 'one' })
    await play(gate, 'named-token')
    answers['renamed-token'] = claims({ sub: 'patient-2', jti: 'one' })
    await play(gate, 'renamed-token')
    const [, second, third] = await gate.events('access')
    expect(second?.token).toBe(third?.token)
    expect(second?.token).not.toBe(event?.token)
  })
})

describe('an answer is kept', () => {
  test('for a minute if the token is active, so that a revoked one opens no longer', async () => {
    answers.opaque = claims()
    const gate = await gateOf(entry())
    expect(await play(gate, 'opaque')).toBe('200')
    answers.opaque = { active: false }
    now = START + activeFor - 1
    expect(await play(gate, 'opaque')).toBe('200')
    now = START + activeFor
    expect(await play(gate, 'opaque')).toBe('401 token_inactive')
    expect(calls).toHaveLength(2)
  })

  test('never beyond exp', async () => {
    answers.opaque = claims({ exp: START / 1000 + 10 })
    const gate = await gateOf(entry())
    expect(await play(gate, 'opaque')).toBe('200')
    answers.opaque = { active: false }
    now = START + 9_999
    expect(await play(gate, 'opaque')).toBe('200')
    now = START + 10_000
    expect(await play(gate, 'opaque')).toBe('401 token_inactive')
  })

  test('for a second if the token has expired by the gate’s clock alone, so that it costs no call each time', async () => {
    answers.opaque = claims({ exp: START / 1000 - 5 })
    const gate = await gateOf(entry())
    for (const passed of [0, 1, 999]) {
      now = START + passed
      expect(await play(gate, 'opaque')).toBe('200')
    }
    expect(calls).toHaveLength(1)
    now = START + 1_000
    expect(await play(gate, 'opaque')).toBe('200')
    expect(calls).toHaveLength(2)
  })

  test('and the console says it once if the issuer calls every token inactive', async () => {
    const gate = await gateOf(entry())
    for (const token of ['one', 'two', 'three']) expect(await play(gate, token)).toBe('401 token_inactive')
    expect(said).toEqual([
      `mediaward: token_inactive: the issuer says that an opaque token is not active (entry "${idp.issuer}"). To fix it: if it says so of every token, let the client of "introspection" ask about those of others`,
    ])
  })

  test('for five seconds if it refuses the token', async () => {
    const gate = await gateOf(entry())
    for (const passed of [0, 1, refusedFor - 1]) {
      now = START + passed
      expect(await play(gate, 'opaque')).toBe('401 token_inactive')
    }
    expect(calls).toHaveLength(1)
    answers.opaque = claims()
    now = START + refusedFor
    expect(await play(gate, 'opaque')).toBe('200')
  })

  test('but not if there was none', async () => {
    answers.opaque = () => new Response('down', { status: 500 })
    const gate = await gateOf(entry())
    expect(await play(gate, 'opaque')).toBe('503 introspection_unavailable')
    answers.opaque = claims()
    expect(await play(gate, 'opaque')).toBe('200')
  })

  test.each<[number, string | undefined, number]>([
    [429, '5', 5_000],
    [503, '5', 5_000],
    [429, '86400', 10_000],
    [429, '0', 1_000],
    [429, '-1', 1_000],
    [429, undefined, 1_000],
    [429, 'Thu, 26 Nov 2026 10:00:00 GMT', 10_000],
  ])(
    'and an endpoint that answers %j with Retry-After %j isn’t called for %j ms',
    async (status, after, pause) => {
      const gate = await gateOf(entry())
      answers.known = claims()
      expect(await play(gate, 'known')).toBe('200')
      answers.busy = () =>
        new Response('', { status, headers: after === undefined ? {} : { 'retry-after': after } })
      answers.opaque = claims()
      calls = []
      expect(await play(gate, 'busy')).toBe('503 introspection_unavailable')
      for (const passed of [0, pause - 1]) {
        now = START + passed
        expect(await play(gate, 'opaque')).toBe('503 introspection_unavailable')
        // What is kept is used meanwhile.
        expect(await play(gate, 'known')).toBe('200')
      }
      expect(calls).toHaveLength(1)
      now = START + pause
      expect(await play(gate, 'opaque')).toBe('200')
    },
  )

  test('and a pause begins with the answer, however late it comes', async () => {
    const gate = await gateOf(entry())
    answers.busy = () => {
      now += 3_000
      return new Response('', { status: 429, headers: { 'retry-after': '2' } })
    }
    answers.opaque = claims()
    expect(await play(gate, 'busy')).toBe('503 introspection_unavailable')
    now = START + 4_999
    expect(await play(gate, 'opaque')).toBe('503 introspection_unavailable')
    now = START + 5_000
    expect(await play(gate, 'opaque')).toBe('200')
  })

  test('and a pause ends when the clock is set back', async () => {
    const gate = await gateOf(entry())
    answers.busy = () => new Response('', { status: 429, headers: { 'retry-after': '5' } })
    answers.opaque = claims()
    expect(await play(gate, 'busy')).toBe('503 introspection_unavailable')
    now = START - 3_600_000
    expect(await play(gate, 'opaque')).toBe('200')
  })

  test('no longer than a minute when the clock is set back', async () => {
    answers.opaque = claims({ exp: START / 1000 + 86_400 })
    const gate = await gateOf(entry())
    expect(await play(gate, 'opaque')).toBe('200')
    answers.opaque = { active: false }
    now = START - 3_600_000
    expect(await play(gate, 'opaque')).toBe('401 token_inactive')
  })

  test('while its times are checked for each request', async () => {
    answers.opaque = claims({ iat: START / 1000 - 60 })
    const gate = await gateOf(entry({ max_age_s: 60, clock_tolerance_s: 5 }))
    expect(await play(gate, 'opaque')).toBe('200')
    now = START + 5_001
    expect(await play(gate, 'opaque')).toBe('401 token_too_old iat')
    expect(calls).toHaveLength(1)
  })

  test('of a thousand viewers, whatever made-up tokens come in between', async () => {
    const keys = async () => usableKeys(undefined)
    const tokens = new TokenVerifier(new TrustedIssuers([entry()], () => ({ current: keys, newer: keys })))
    const isAccepted = async (token: string) =>
      !((await tokens.verify({ token, places: [] }, contextOf({ at: now }))) instanceof Refusal)
    const viewers = Array.from({ length: 1_000 }, (_, i) => `viewer-${i}`)
    for (const [i, viewer] of viewers.entries()) {
      answers[viewer] = claims()
      now = START + i * 50
      expect(await isAccepted(viewer)).toBe(true)
      expect(await isAccepted(`made-up-${i}`)).toBe(false)
    }
    calls = []
    for (const viewer of viewers) expect(await isAccepted(viewer)).toBe(true)
    expect(calls).toEqual([])
  })
})

describe('no issuer is asked', () => {
  test('about a token in the form of a JWS, even if no entry takes signed tokens', async () => {
    const gate = await gateOf(entry(), {
      ...entry({ issuer: OTHER }),
      header: 'x-other',
      introspection: introspection('other.test'),
    })
    const signed = await idp.token('patient-1')
    const [header, payload, signature] = signed.split('.')
    expect(await play(gate, signed)).toBe('401 token_algorithm')
    expect(await play(gate, signed, 'x-other')).toBe('401 token_algorithm')
    for (const damaged of [
      `${header}.${payload}.`,
      `${header}..${signature}`,
      `${header}.${payload}.${signature}=`,
      `${header}.e30.${signature}`,
      `${header}.${payload}.~`,
      `e.${payload}.${signature}`,
    ]) {
      expect(await play(gate, damaged)).toMatch(/^401 token_(malformed|issuer)$/)
    }
    expect(calls).toEqual([])
  })

  test.each([' ', '\n', '\t\r\n '])(
    'about a JWS whose header begins with the white space %j',
    async space => {
      const gate = await gateOf(entry())
      const [, payload, signature] = (await idp.token('patient-1')).split('.')
      const deep = `{"a":${'['.repeat(20)}${']'.repeat(20)}}`
      for (const header of [
        '{"alg":"ES256"}',
        '{}',
        '{"alg":"ES256","a":{"b":[]}} ',
        deep,
        '{"alg":"ES256"',
      ]) {
        const encoded = Buffer.from(space + header)
        for (const form of ['base64url', 'base64'] as const) {
          expect(await play(gate, `${encoded.toString(form)}.${payload}.${signature}`)).toMatch(
            /^401 token_malformed$/,
          )
        }
      }
      expect(calls).toEqual([])
    },
  )

  test.each(['ory_at_abc.def', 'abc.def.ghi', 'IDEx.def.ghi', 'ICAgIA.def.ghi', '..', 'e.f', 'e.f.g.h'])(
    'but about %s one is, as it is not a JWS',
    async token => {
      const gate = await gateOf(entry())
      expect(await play(gate, token)).toBe('401 token_inactive')
      expect(calls).toEqual([`idp.test ${token}`])
    },
  )

  test('about a string that can’t be a token, or is too long', async () => {
    const gate = await gateOf(entry({ header: 'x-token' }))
    for (const token of ['a b', 'a,b', '"a"', 'ä', '=a', '']) {
      expect(await play(gate, token)).toBe('401 token_malformed')
      expect(await play(gate, token, 'x-token')).toBe('401 token_malformed')
    }
    expect(await play(gate, 'x'.repeat(4_097))).toBe('401 token_too_long')
    expect(calls).toEqual([])
    expect(await play(gate, 'x'.repeat(4_096))).toBe('401 token_inactive')
  })

  test('if no entry introspects', async () => {
    const gate = await gateOf(idp.entry())
    expect(await play(gate, 'opaque')).toBe('401 token_malformed')
    expect(calls).toEqual([])
  })

  test('about a token in the query', async () => {
    const gate = await gateOf(entry())
    const { status } = await gate.fetch('/recordings/rec-1?access_token=opaque')
    expect(status).toBe(401)
    expect(calls).toEqual([])
  })
})

describe('the place of a token says whom to ask', () => {
  const other = (more: Partial<Issuer> = {}) =>
    entry({ issuer: OTHER, introspection: introspection('other.test'), ...more })

  test('the only entry is asked about tokens in Authorization and in its own header', async () => {
    const gate = await gateOf(entry({ header: 'X-Token' }), idp.entry({ issuer: OTHER, header: 'X-Signed' }))
    answers.opaque = claims()
    expect(await play(gate, 'opaque', 'x-token')).toBe('200')
    expect(await play(gate, 'opaque')).toBe('200')
    // There it would have to be signed.
    expect(await play(gate, 'opaque', 'x-signed')).toBe('401 token_malformed')
  })

  test('of two, one is asked about Authorization and the other about its own header alone', async () => {
    const gate = await gateOf(entry(), other({ header: 'X-Other' }))
    await play(gate, 'one')
    await play(gate, 'two', 'x-other')
    expect(calls).toEqual(['idp.test one', 'other.test two'])
  })

  test('the same token in two places is two questions, even at the same time', async () => {
    const gate = await gateOf(entry(), other({ header: 'X-Other' }))
    const headers = [{ authorization: 'Bearer opaque' }, { 'x-other': 'opaque' }]
    const ask = () => Promise.all(headers.map(one => gate.fetch('/recordings/rec-1', { headers: one })))
    answers.opaque = claims()
    expect((await ask()).map(({ status }) => status)).toEqual([200, 401])
    expect(calls.sort()).toEqual(['idp.test opaque', 'other.test opaque'])
    // What one of them said means nothing for the other.
    expect((await ask()).map(({ status }) => status)).toEqual([200, 401])
  })

  test('the same token in two places of one endpoint meets the rules of each, even at the same time', async () => {
    const staff = entry({ name: 'staff', audience: 'staff', owns: false, header: 'X-Staff' })
    // Slow enough that both requests wait for it.
    answers.opaque = async () => {
      await new Promise(resolve => setTimeout(resolve, 50))
      return Response.json(claims())
    }
    const headers = [{ authorization: 'Bearer opaque' }, { 'x-staff': 'opaque' }]
    for (const sent of [headers, headers.toReversed()]) {
      const gate = await gateOf(entry({ name: 'patients' }), staff)
      const answered = await Promise.all(sent.map(one => gate.fetch('/recordings/rec-1', { headers: one })))
      expect(answered.map(({ status }) => status)).toEqual(sent === headers ? [200, 401] : [401, 200])
    }
  })

  test('with a place each, none is asked about Authorization', async () => {
    const gate = await gateOf(entry({ header: 'X-One' }), other({ cookie: 'two' }))
    expect(await play(gate, 'opaque')).toBe('401 token_malformed')
    expect(calls).toEqual([])
    await gate.fetch('/recordings/rec-1', { headers: { cookie: 'two=opaque' } })
    expect(calls).toEqual(['other.test opaque'])
  })

  test('entries of one issuer share an endpoint, and the audience chooses', async () => {
    const staff = entry({ name: 'staff', audience: 'staff', subject_claim: 'username', owns: false })
    const gate = await gateOf(entry({ name: 'patients' }), staff)
    answers.patient = claims()
    answers.employee = claims({ aud: 'staff', username: 'patient-1' })
    answers.both = claims({ aud: ['staff', 'recordings'] })
    answers.neither = claims({ aud: 'others' })
    expect(await play(gate, 'patient')).toBe('200')
    expect(await play(gate, 'employee')).toBe('404 not_owner')
    expect(await play(gate, 'both')).toBe('401 token_audience')
    expect(await play(gate, 'neither')).toBe('401 token_audience')
    expect(calls).toHaveLength(4)
  })

  test('an entry that says that it has no discovery needs no keys', async () => {
    const gate = await gateOf(entry({ discovery: false }))
    answers.opaque = claims()
    expect(await play(gate, 'opaque')).toBe('200')
  })

  test('one issuer may sign some of its tokens', async () => {
    const gate = await gateOf({ ...idp.entry(), ...entry() })
    answers.opaque = claims()
    vi.useFakeTimers({ now: START, toFake: ['Date'] })
    const signed = await idp.token('patient-1')
    vi.useRealTimers()
    expect(await play(gate, 'opaque')).toBe('200')
    expect(await play(gate, signed)).toBe('200')
    expect(calls).toEqual(['idp.test opaque'])
  })
})

describe('the console', () => {
  test('says why there was no answer, once in ten seconds, and shows no secret', async () => {
    answers = new Proxy({}, { get: () => () => Response.json({ error: 'invalid_client' }, { status: 401 }) })
    const gate = await gateOf(entry())
    for (let i = 0; i < 30; i++) {
      now = START + i * 1_000
      expect(await play(gate, `secret-${i}`)).toBe('503 introspection_unavailable')
    }
    expect(said).toHaveLength(3)
    expect(said[0]).toMatch(
      /^mediaward: no answer about tokens from https:\/\/idp\.test\/introspect \(status 401 .*\): requests/,
    )
    expect(said.join()).not.toMatch(/SECRET|secret-/)
  })
})

test('fifty requests a second with made-up tokens get calls at most, and viewers go on', async () => {
  const gate = await gateOf(entry())
  answers.viewer = claims()
  expect(await play(gate, 'viewer')).toBe('200')
  now = START + activeFor
  const statuses: string[] = []
  for (let i = 0; i < 100; i++) statuses.push(await play(gate, `made-up-${i}`))
  expect(statuses.filter(status => status === '401 token_inactive')).toHaveLength(40)
  expect(statuses.slice(40)).toEqual(Array.from({ length: 60 }, () => '503 introspection_unavailable'))
  expect(await play(gate, 'viewer')).toBe('200')
  expect(said).toEqual([
    expect.stringContaining('token_inactive'),
    expect.stringContaining('there are too many calls'),
  ])
  now += 1_000
  expect(await play(gate, 'made-up')).toBe('401 token_inactive')
})

test('a caller with a token waits by a timer of its own when the request that asked was cut off', async () => {
  answers.opaque = () => new Promise(() => {})
  const gate = await gateOf(entry())
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const asked = [gate.ask, gate.ask].map(() =>
    gate.fetch('/recordings/rec-1', { headers: { authorization: 'Bearer opaque' } }),
  )
  const answered = Promise.all(asked)
  for (let i = 0; i < 200; i++) {
    await vi.advanceTimersByTimeAsync(100)
    await new Promise(resolve => setImmediate(resolve))
  }
  vi.useRealTimers()
  expect((await answered).map(({ status }) => status)).toEqual([503, 503])
  expect(calls).toHaveLength(1)
})
