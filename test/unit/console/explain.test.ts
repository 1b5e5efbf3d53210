import type { JWTPayload } from 'jose'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { COMPARISONS, type Compared } from '../../../src/explain/compared.ts'
import { TICKET_COOKIE } from '../../../src/http/credential.ts'
import type { Issuer } from '../../../src/index.ts'
import { createPseudonymizer } from '../../../src/ledger/pseudonym.ts'
import { Refusal } from '../../../src/refusal.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { createIssuer, PSEUDONYM_KEY } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// POST /console/api/explain: what an analyst learns of a token, and what stays on record of it.

const idp = await createIssuer()
const nameOf = (id: string) => createPseudonymizer(PSEUDONYM_KEY)('subject', idp.issuer, id)
beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue())

const open = (entry: Partial<Issuer> = {}) => memoryGate({ issuers: [idp.entry(entry)] }, idp)
const ask = (
  gate: MemoryGate,
  body: unknown,
  claims: JWTPayload = { roles: ['security'] },
  init: RequestInit = {},
) =>
  gate.ask('analyst-1', '/console/api/explain', {
    method: 'POST',
    claims,
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(init as object),
  })
const OWN = '/recordings/rec-1'

describe('what is answered', () => {
  test('a token that may play is permitted, with each step, and no view begins', async () => {
    const gate = await open()
    const response = await ask(gate, { token: await idp.token('patient-1'), url: `https://any.test${OWN}` })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toContain('no-store')
    const explanation = await response.json()
    expect(explanation).toMatchObject({ decision: 'permit', status: 200, entry: idp.issuer, mistakes: [] })
    const outcomes = explanation.steps.map(
      ({ step, outcome }: Record<string, string>) => `${step} ${outcome}`,
    )
    expect(outcomes).toEqual([
      ...['path pass', 'place pass', 'form pass', 'issuer pass', 'algorithm pass', 'header pass', 'key pass'],
      ...['signature pass', 'subject pass', 'tenant skip', 'bearer pass', 'audience pass', 'client skip'],
      ...['required claims skip', 'times pass', 'login pass', 'role skip'],
      ...['recording pass', 'owner pass', 'lockdown pass'],
    ])
    await gate.flush()
    expect((await gate.events()).map(({ kind }) => kind)).toEqual(['console'])
  })

  test.each<[string, string, object]>([
    ['of another patient', 'patient-2', { status: 404, reason: 'not_owner' }],
    ['that does not exist', 'patient-1', { status: 404, reason: 'recording_unknown' }],
  ])(
    'a token for a recording %s is refused with the reason that only the log has',
    async (what, who, expected) => {
      const gate = await open()
      const url = what.startsWith('of') ? OWN : '/recordings/rec-0'
      const explanation = await (await ask(gate, { token: await idp.token(who), url })).json()
      expect(explanation).toMatchObject({ decision: 'deny', ...expected, mistakes: [] })
      expect((await gate.events('access')).length).toBe(0)
    },
  )

  test.each([
    ['/nothing/rec-1', "the path is at none of the gate's locations"],
    ['/recordings/a%20b', "A recording's id"],
  ])('a path that is no recording’s is explained: %s', async (url, found) => {
    const gate = await open()
    const explanation = await (await ask(gate, { token: await idp.token('patient-1'), url })).json()
    expect(explanation).toMatchObject({ status: 400, reason: 'path_invalid' })
    expect(explanation.steps[0]).toMatchObject({ step: 'path', outcome: 'fail', came: `"${url}"` })
    const [mistake] = explanation.mistakes
    expect(mistake.found).toContain(found)
    expect(mistake.fix).toContain('ask for a recording at "/recordings/:recording"')
  })

  test('keys that a function can’t give are explained with the fix of the function, not of a URL', async () => {
    const jwks = () => Promise.reject(new Error('down'))
    const staff = await createIssuer('https://staff.test/')
    const broken = { issuer: 'https://a.test/', audience: 'recordings', algorithms: ['ES256'] as const, jwks }
    const roles = { allowed_roles: ['security'] as const }
    const gate = await memoryGate({ issuers: [broken, { ...staff.entry(), ...roles }] }, staff)
    const token = await idp.token('patient-1', { iss: broken.issuer })
    const explanation = await (await ask(gate, { token, url: OWN })).json()
    expect(explanation).toMatchObject({ reason: 'keys_unavailable', entry: broken.issuer })
    expect(explanation.mistakes).toEqual([
      {
        reason: 'keys_unavailable',
        found: 'the keys can\'t be had: the function jwks failed (Error) (entry "https://a.test/")',
        fix: 'let it resolve to a JWK set with usable keys, within five seconds',
      },
    ])
  })

  test('of another tenant neither owner nor issuer is shown, whatever the request failed at', () => {
    const compared = (reason: 'not_owner' | 'store_unavailable' | 'tenant_mismatch') =>
      COMPARISONS.owner?.({
        refusal: new Refusal(reason),
        subjectName: 'psn_a',
        ownerName: 'psn_b',
        context: {
          subject: { id: 'x', issuer: idp.issuer, tenant: 'a', roles: [] },
          ownership: { owner: 'y', issuer: 'https://other.test/', tenant: 'b' },
        },
      } as unknown as Compared)
    for (const reason of ['not_owner', 'store_unavailable', 'tenant_mismatch'] as const)
      expect(compared(reason)).toEqual({ came: 'tenant "a"', configured: 'tenant "b"' })
  })

  test('the owner of the recording is named beside the subject, both by pseudonym', async () => {
    const gate = await open()
    const explanation = await (await ask(gate, { token: await idp.token('patient-2'), url: OWN })).json()
    const [owner] = explanation.steps.slice(-2)
    const [came, configured] = await Promise.all([nameOf('patient-2'), nameOf('patient-1')])
    expect(owner).toEqual({ step: 'owner', outcome: 'fail', came, configured })
  })

  test.each<[string, string, object]>([
    ['Bearer', 'Bearer ', { status: 200 }],
    ['Bearer in capitals, and the name of the header', 'authorization: BEARER  ', { status: 200 }],
    ['no scheme, and the name of the header', 'Authorization: ', { reason: 'token_missing' }],
    ['another scheme', 'JWT ', { reason: 'token_missing' }],
    ['DPoP', 'DPoP ', { reason: 'token_missing' }],
  ])('a token is tried with what comes before it: %s', async (_, before, expected) => {
    const gate = await open()
    const token = before + (await idp.token('patient-1'))
    const explanation = await (await ask(gate, { token, url: OWN })).json()
    expect(explanation).toMatchObject(expected)
    const [{ found = '' } = {}] = explanation.mistakes
    if (explanation.status !== 200) expect(found).toMatch(/scheme/)
  })

  test.each<[string, JWTPayload, RegExp, readonly string[]]>([
    ['is good', {}, /^$/, ['bearer']],
    ['is for another audience', { aud: 'account' }, /^token_audience$/, ['bearer', 'audience']],
    ['has another signature', { kid: 'x' }, /^token_key_unknown$/, ['key', 'bearer']],
  ])(
    'a token with the scheme DPoP lacks a proof, and is explained beside that: it %s',
    async (_, over, also, failed) => {
      const { kid, ...claims } = over
      const gate = await memoryGate(
        { issuers: [idp.entry({ dpop: 'accepted' })], publicUrl: 'https://gate.test' },
        idp,
      )
      const cnf = { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }
      const token = await idp.token(
        'patient-1',
        { cnf, ...claims },
        kid === undefined ? {} : { kid: String(kid) },
      )
      const explanation = await (await ask(gate, { token: `DPoP ${token}`, url: OWN })).json()
      expect(explanation).toMatchObject({ decision: 'deny', status: 401, reason: 'proof_missing' })
      const [first, ...others] = explanation.mistakes.map(({ reason }: { reason: string }) => reason)
      expect(first).toBe('proof_missing')
      expect(others.join()).toMatch(also)
      const steps: { step: string; outcome: string }[] = explanation.steps
      expect(steps.filter(({ outcome }) => outcome === 'fail').map(({ step }) => step)).toEqual(failed)
      if (kid !== undefined) expect(steps.find(({ step }) => step === 'signature')?.outcome).toBe('skip')
    },
  )

  test('the subject of a token is named by its pseudonym, and one that no signature proves is not named', async () => {
    const gate = await open()
    const token = await idp.token('patient-1')
    const proven = await (await ask(gate, { token, url: OWN })).text()
    expect(proven).toContain(await nameOf('patient-1'))
    const forged = `${token.slice(0, -8)}AAAAAAAA`
    const unproven = await (await ask(gate, { token: forged, url: OWN })).text()
    expect(unproven).toMatch(/"token_signature"/)
    expect(unproven).toContain('a string of 9 characters')
    for (const json of [proven, unproven]) expect(json).not.toMatch(/patient-1|eyJ/)
  })

  test('the query of the URL of keys is not shown, as it may hold a secret', async () => {
    const body = Response.json(idp.jwks)
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () => body.clone())
    const { jwks: _, ...entry } = idp.entry()
    const jwks_uri = 'https://keys.clinic.test/keys?code=hunter2'
    const gate = await memoryGate({ issuers: [{ ...entry, jwks_uri }] }, idp)
    const said = await (await ask(gate, { token: await idp.token('patient-1') })).text()
    expect(said).toContain('https://keys.clinic.test/keys')
    expect(said).not.toContain('hunter2')
    vi.restoreAllMocks()
    vi.spyOn(console, 'error').mockReturnValue()
  })

  test('a role is explained in place of playing', async () => {
    const gate = await open()
    const token = await idp.token('p', { roles: ['recordings/recorder'] })
    const explanation = await (await ask(gate, { token, role: 'recorder' })).json()
    expect(explanation).toMatchObject({ status: 404, reason: 'role_missing' })
    expect(explanation.steps.find(({ step }: { step: string }) => step === 'role')).toEqual({
      step: 'role',
      outcome: 'fail',
      came: 'none of "recordings/recorder"',
      configured: 'recorder',
    })
    const good = await idp.token('r', { roles: ['recorder'] })
    expect(await (await ask(gate, { token: good, role: 'recorder' })).json()).toMatchObject({ status: 200 })
  })

  test('a token is explained in the header or cookie that it would come in', async () => {
    const gate = await open({ header: 'X-Login', cookie: 'login' })
    const token = await idp.token('patient-1')
    for (const [place, status] of [
      [{ header: 'x-LOGIN' }, 200],
      [{ cookie: 'login' }, 200],
      [{ header: 'x-other' }, 401],
      [{ cookie: 'LOGIN' }, 401],
    ] as const) {
      expect(await (await ask(gate, { token, url: OWN, ...place })).json()).toMatchObject({ status })
    }
  })

  test('all that is wrong with a token is said at once, what the gate refuses for first', async () => {
    const gate = await open({ required_claims: { acr: '2' } })
    const token = await idp.token('patient-1', { iss: `${idp.issuer}x/`, aud: 'account', exp: 5 })
    const analyst = { roles: ['security'], acr: '2' }
    const { mistakes } = await (await ask(gate, { token, url: OWN }, analyst)).json()
    expect(mistakes.map(({ reason }: { reason: string }) => reason)).toEqual([
      ...['token_issuer', 'token_audience', 'token_claim_missing', 'token_expired'],
    ])
  })
})

describe('what is refused', () => {
  test.each([
    ['a patient', { roles: [] }],
    ['a recorder', { roles: ['recorder'] }],
    ['an app', { roles: ['app'] }],
  ])('%s gets 404, and it is on record', async (_, claims) => {
    const gate = await open()
    const response = await ask(gate, { token: await idp.token('patient-1'), url: OWN }, claims)
    expect(response.status).toBe(404)
    expect(await gate.events()).toMatchObject([{ kind: 'access', reason: 'role_missing' }])
  })

  test('another method gets 405, and a call without a token of its own 401', async () => {
    const gate = await open()
    const get = await gate.ask('a', '/console/api/explain', { claims: { roles: ['security'] } })
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    expect((await gate.fetch('/console/api/explain', { method: 'POST' })).status).toBe(401)
  })

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /must be JSON/],
    ['no object', 'null', /the token must be/],
    ['no token', {}, /the token must be/],
    [
      'a token with white space',
      { token: 'hunter2 b', url: OWN },
      /the token must be one token, without white space/,
    ],
    ['a token in two parts', { token: 'Bearer hunter2 b', url: OWN }, /the token must be/],
    ['another header', { token: 'Cookie: hunter2', url: OWN }, /the token must be/],
    ['a url and a role', { token: 't', url: OWN, role: 'app' }, /not both/],
    ['an unknown role', { token: 't', role: 'admin' }, /role must be one of recorder, security, app/],
    ['the url of a ticket', { token: 't', url: '/play/hunter2' }, /and not a ticket/],
    ['a ticket behind a dot segment', { token: 't', url: '/./play/hunter2' }, /and not a ticket/],
    ['a ticket behind two slashes', { token: 't', url: '//play/hunter2' }, /the recording must be/],
    [
      'a url with a dot segment',
      { token: 't', url: '/recordings/hunter2/%2e%2e/rec-1' },
      /the recording must be/,
    ],
    ['a url that can not be parsed', { token: 't', url: '//[' }, /the recording must be/],
    ['the cookie of a ticket', { token: 'hunter2', cookie: TICKET_COOKIE }, /tickets are not explained/],
    ['a ticket in a header', { token: `${TICKET_COOKIE}=hunter2`, header: 'cookie' }, /tickets are not/],
    ['a ticket in a cookie', { token: `a;${TICKET_COOKIE}=hunter2`, cookie: 'a' }, /tickets are not/],
    ['a url that is not one', { token: 't', url: 'rec-1' }, /the recording must be/],
    ['a url of another type', { token: 't', url: 7 }, /the recording must be/],
    ['a header that is not one', { token: 't', url: OWN, header: 'a b' }, /name one header, or one cookie/],
    [
      'a header and a cookie',
      { token: 't', url: OWN, header: 'a', cookie: 'b' },
      /name one header, or one cookie/,
    ],
    ['a scheme in a header', { token: 'Bearer t', url: OWN, header: 'a' }, /the token is alone/],
    ['much too long a token', { token: 'x'.repeat(70_000), url: OWN }, /at most 65536 bytes/],
  ])('a call with %s is refused, and the answer says why and repeats nothing', async (_, body, detail) => {
    const gate = await open()
    const response = await ask(gate, body)
    expect(response.status).toBe(400)
    const problem = await response.json()
    expect(problem.detail).toMatch(detail)
    expect(JSON.stringify(problem)).not.toContain('hunter2')
    expect(await gate.events()).toMatchObject([{ kind: 'access', reason: 'query_invalid' }])
  })
})

describe('what is on record', () => {
  test('a record says who asked, about whom and which recording, and what was answered, and holds no token', async () => {
    const gate = await open()
    const token = await idp.token('patient-2', { jti: 'hunter2' })
    await ask(gate, { token, url: OWN })
    const [record, ...others] = await gate.events()
    expect(others).toEqual([])
    expect(record).toMatchObject({
      kind: 'console',
      decision: 'permit',
      action: 'explain',
      explained: { decision: 'deny', status: 404, reason: 'not_owner', entry: idp.issuer },
      subject: await nameOf('analyst-1'),
      about: await nameOf('patient-2'),
      recording: 'rec-1',
      owner: await nameOf('patient-1'),
      roles: ['security'],
    })
    const json = JSON.stringify(record)
    for (const secret of [...token.split('.'), 'hunter2', 'patient-2']) expect(json).not.toContain(secret)
  })

  test('without a ledger nothing is explained', async () => {
    const ledger = { ...createMemoryLedger(), append: () => Promise.reject(new Error('down')) }
    const gate = await memoryGate({ issuers: [idp.entry()], ledger, onUnrecorded: () => {} }, idp)
    expect((await ask(gate, { token: await idp.token('patient-1'), url: OWN })).status).toBe(503)
  })
})

describe('tenants', () => {
  const claims = { roles: ['security'], tenant: 'north' }
  const north = (subject: string, more: JWTPayload = {}) => idp.token(subject, { tenant: 'north', ...more })
  const openTenants = () => open({ tenant_claim: 'tenant' })

  test('an analyst of a tenant gets the token of its own tenant explained, also one that has expired', async () => {
    const gate = await openTenants()
    const own = await (await ask(gate, { token: await north('p'), url: '/recordings/rec-0' }, claims)).json()
    expect(own).toMatchObject({ status: 404, reason: 'recording_unknown' })
    const expired = await (await ask(gate, { token: await north('p', { exp: 5 }), url: OWN }, claims)).json()
    expect(expired).toMatchObject({ status: 401, reason: 'token_expired' })
  })

  test('an analyst of a tenant gets the same answer for all tokens that its tenant does not prove', async () => {
    const gate = await openTenants()
    const foreign = await idp.token('p', { tenant: 'south' })
    const tokens = [
      foreign,
      `${foreign.slice(0, -8)}AAAAAAAA`,
      `${(await north('p')).slice(0, -8)}AAAAAAAA`,
      await north('p', { iss: `${idp.issuer}x` }),
      await idp.token('p'),
      'opaque',
    ]
    const answers = new Set<string>()
    for (const token of tokens) {
      for (const url of [OWN, '/recordings/rec-0', '/nothing']) {
        const response = await ask(gate, { token, url }, claims)
        const { instance: _, ...problem } = await response.json()
        answers.add(JSON.stringify([response.status, problem]))
      }
    }
    expect([...answers]).toEqual(['[404,{"title":"Not Found","status":404}]'])
    const all = await gate.events()
    expect(all.every(({ kind }) => kind === 'access')).toBe(true)
    expect(new Set(all.map(({ reason }) => reason))).toEqual(new Set(['tenant_mismatch']))
  })

  test('an analyst without a tenant explains nothing, unless its entry may see all tenants', async () => {
    const gate = await memoryGate(
      { issuers: [idp.entry({ tenant_claim: 'tenant' }), staff.entry({ allowed_roles: ['security'] })] },
      idp,
    )
    const body = { token: await north('p'), url: OWN }
    const call = async (to: MemoryGate) =>
      to.fetch('/console/api/explain', {
        method: 'POST',
        headers: {
          ...(await staff.bearer('s', { roles: ['security'] })),
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      })
    expect((await call(gate)).status).toBe(404)
    const all = await memoryGate(
      {
        issuers: [
          idp.entry({ tenant_claim: 'tenant' }),
          staff.entry({ allowed_roles: ['security'], allow_all_tenants: true }),
        ],
      },
      idp,
    )
    expect((await call(all)).status).toBe(200)
  })
})

const staff = await createIssuer('https://staff.test/')
