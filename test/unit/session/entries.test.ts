import type { JWTPayload } from 'jose'
import { expect, test } from 'vitest'
import type { MediawardOptions } from '../../../src/index.ts'
import { createIssuer, type TestIssuer } from '../../support/issuer.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// One issuer with several entries: which people a word of one entry ends, and for how long.

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const SECURITY: JWTPayload = { roles: ['security'] }

/** A gate with these entries, whose recording `rec-1` is of `patient-1`. */
async function entries(...all: ((idp: TestIssuer) => MediawardOptions['issuers'][number])[]) {
  let time = Date.now()
  const idp = await createIssuer()
  const issuers = all.map(entry => entry(idp))
  const gate = await memoryGate({ now: () => time, issuers }, idp)
  const post = (who: string, path: string, body: object, claims: JWTPayload) =>
    gate.ask(who, path, {
      method: 'POST',
      claims: { ...SECURITY, ...claims },
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return {
    gate,
    idp,
    now: () => time,
    later: (milliseconds = 1_000) => {
      time += milliseconds
    },
    bearer: async (who: string, claims: JWTPayload) => (await idp.bearer(who, claims)).authorization,
    play: async (authorization: string) => {
      const response = await gate.fetch('/recordings/rec-1', { headers: { authorization } })
      await response.body?.cancel()
      return response.status
    },
    revoke: async (call: object, claims: JWTPayload) => {
      const response = await post('analyst-1', '/session/revoke', call, claims)
      expect(response.status, await response.clone().text()).toBe(201)
      time += 1_000
    },
    lock: async (scope: string, value: unknown, claims: JWTPayload) => {
      const call = { scope, value, reason: 'they see what is not theirs' }
      expect((await post('analyst-1', '/console/api/lockdowns/add', call, claims)).status).toBe(201)
      time += 1_000
    },
    logOut: async (by: TestIssuer, claims: JWTPayload) => {
      const token = await by.token(
        'x',
        { iss: idp.issuer, events: { [EVENT]: {} }, ...claims },
        { typ: 'logout+jwt' },
      )
      const response = await gate.fetch('/session/logout', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ logout_token: token }).toString(),
      })
      time += 1_000
      return response.status
    },
  }
}

const patients =
  (more: object = {}) =>
  (idp: TestIssuer) =>
    idp.entry({ name: 'patients', audience: 'recordings', clients: ['app'], ...more })
const staff =
  (more: object = {}) =>
  (idp: TestIssuer) =>
    idp.entry({
      name: 'staff',
      owns: false,
      audience: 'staff',
      clients: ['desk'],
      allowed_roles: ['security', 'viewer'],
      ...more,
    })
const AT_DESK = { aud: 'staff', client_id: 'desk' }

test('a session stays ended for as long as the entry with the longest life accepts its tokens', async () => {
  const it = await entries(staff({ max_age_s: 300 }), patients({ max_age_s: 86_400 }))
  const exp = Math.floor(it.now() / 1000) + 86_000
  const token = await it.bearer('patient-1', { client_id: 'app', sid: 's-1', exp })
  expect(await it.play(token)).toBe(200)
  await it.revoke({ sid: 's-1' }, { ...AT_DESK, exp })
  expect(await it.play(token)).toBe(401)
  it.later(2 * 3_600_000)
  expect(await it.play(token)).toBe(401)
})

test('a logout by sub ends no one whose id is another claim', async () => {
  const it = await entries(patients({ subject_claim: 'patient_no' }), staff({ clients: ['app'] }))
  const token = await it.bearer('sub-of-patient', { client_id: 'app', patient_no: 'patient-1' })
  expect(await it.play(token)).toBe(200)
  expect(await it.logOut(it.idp, { aud: 'app', sub: 'patient-1' })).toBe(200)
  expect(await it.play(token)).toBe(200)
})

test('a logout by sub ends people whose id is sub, also if the entry has a path to it', async () => {
  const it = await entries(patients({ subject_claim: ['sub'] }), staff({ clients: ['app'] }))
  const token = await it.bearer('patient-1', { client_id: 'app' })
  expect(await it.play(token)).toBe(200)
  expect(await it.logOut(it.idp, { aud: 'app', sub: 'patient-1' })).toBe(200)
  expect(await it.play(token)).toBe(401)
})

test('a logout token is verified by each entry that has its client, whichever comes first', async () => {
  const other = await createIssuer()
  const it = await entries(
    idp => ({
      ...other.entry({ name: 'other', owns: false, audience: 'b', clients: ['app'] }),
      issuer: idp.issuer,
    }),
    patients(),
  )
  expect(await it.logOut(it.idp, { aud: 'app', sub: 'patient-1' })).toBe(200)
})

test('the keys of one entry end no one of an entry that has other keys', async () => {
  const other = await createIssuer()
  const it = await entries(
    idp => ({
      ...other.entry({ name: 'other', owns: false, audience: 'b', clients: ['desk'] }),
      issuer: idp.issuer,
    }),
    patients(),
  )
  const token = await it.bearer('patient-1', { client_id: 'app' })
  expect(await it.play(token)).toBe(200)
  await it.logOut(other, { aud: ['desk', 'app'], sub: 'patient-1' })
  expect(await it.play(token)).toBe(200)
})

test.each([
  [
    'a resource of FHIR, as its tokens have it',
    { subject_claim: 'fhirUser' },
    { fhirUser: 'Patient/patient-1' },
    'Patient/patient-1',
  ],
  ['a token of the same second, with a fraction in iat', {}, { iat: 0 }, 'patient-1'],
])(
  'revoking ends the tokens of %s',
  async (_, entry, { iat, ...claims }: { iat?: number; fhirUser?: string }, sub) => {
    const it = await entries(patients(entry))
    const at = iat === undefined ? {} : { iat: it.now() / 1000 + iat }
    const token = await it.bearer('patient-1', { client_id: 'app', ...at, ...claims })
    expect(await it.play(token)).toBe(200)
    await it.revoke({ sub }, { client_id: 'app', ...(claims.fhirUser ? { fhirUser: 'Patient/a' } : {}) })
    expect(await it.play(token)).toBe(401)
  },
)

test('an ended clinician is ended also as the one who acts for a patient', async () => {
  const it = await entries(patients({ allow_actor: true }), staff())
  const token = await it.bearer('patient-1', { client_id: 'app', act: { sub: 'dr-1' } })
  expect(await it.play(token)).toBe(200)
  await it.revoke({ sub: 'dr-1' }, AT_DESK)
  expect(await it.play(token)).toBe(401)
})

test('a clinician who is locked down by the name in their own records can’t act for a patient', async () => {
  const it = await entries(patients({ allow_actor: true }), staff())
  const token = await it.bearer('patient-1', { client_id: 'app', act: { sub: 'dr-1' } })
  expect(await it.play(token)).toBe(200)
  await it.play(await it.bearer('dr-1', AT_DESK))
  const name = (await it.gate.events('access')).at(-1)?.subject
  expect(name).toMatch(/^psn_/)
  await it.lock('subject', name, AT_DESK)
  expect(await it.play(token)).toBe(403)
})

test.each(['subject', 'session'] as const)('an app whose %s is locked down learns of no one', async scope => {
  const it = await entries(patients({ allowed_roles: ['app', 'security'] }))
  const isListed = async () => {
    const response = await it.gate.ask('the-app', '/access/v1/evaluation', {
      method: 'POST',
      claims: { client_id: 'app', roles: ['app'], sid: 's-app' },
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        subject: { type: 'user', id: 'patient-1' },
        action: { name: 'play' },
        resource: { type: 'recording', id: 'rec-1' },
      }),
    })
    return ((await response.json()) as { decision: boolean }).decision
  }
  expect(await isListed()).toBe(true)
  await it.lock(scope, (await it.gate.events('listed')).at(-1)?.[scope], { client_id: 'app' })
  expect(await isListed()).toBe(false)
})
