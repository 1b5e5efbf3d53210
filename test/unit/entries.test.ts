import type { JWTPayload } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Issuer } from '../../src/index.ts'
import { createIssuer } from '../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../support/memory-gate.ts'

// Several entries of one issuer: who of them is a patient, in play, tickets, lists and records.

const idp = await createIssuer()
const TICKETS = { keys: ['only for tests: no secret protects these tickets'] }
const patients = idp.entry({ clients: ['patient-app'] })
const staff = idp.entry({
  name: 'staff',
  clients: ['staff-app'],
  subject_claim: 'employee',
  owns: false,
  allowed_roles: ['recorder', 'security', 'app'],
})
// The employee number of one member of staff is the id of a patient.
const STAFF = { azp: 'staff-app', employee: 'patient-1' }
const PATIENT = { azp: 'patient-app' }

const open = (...issuers: Issuer[]) => memoryGate({ issuers, tickets: TICKETS }, idp)
const listing = (id: string, claims: JWTPayload, ...recordings: string[]) =>
  ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    claims,
    body: JSON.stringify({
      subject: { type: 'user', id },
      action: { name: 'play' },
      evaluations: recordings.map(recording => ({ resource: { type: 'recording', id: recording } })),
    }),
  }) as const

describe('an entry whose subjects own nothing', () => {
  let gate: MemoryGate
  beforeEach(async () => {
    gate = await open(patients, staff)
  })

  test('the patient plays, and a member of staff with the same id does not', async () => {
    expect((await gate.ask('patient-1', '/recordings/rec-1', { claims: PATIENT })).status).toBe(200)
    expect((await gate.ask('jane', '/recordings/rec-1', { claims: STAFF })).status).toBe(404)
    expect((await gate.events('access')).map(({ reason }) => reason)).toEqual(['not_owner'])
  })

  test('a member of staff with the id of a patient gets no ticket', async () => {
    const post = { method: 'POST', claims: STAFF }
    expect((await gate.ask('jane', '/recordings/rec-1/ticket', post)).status).toBe(404)
    expect(await gate.events('ticket')).toEqual([])
  })

  test('a list of a member of staff about itself permits nothing, and one about the patient does', async () => {
    const own = await gate.ask('jane', '/access/v1/evaluations', listing('patient-1', STAFF, 'rec-1'))
    expect(await own.json()).toEqual({ evaluations: [{ decision: false }] })
    const app = { azp: 'staff-app', employee: 'app-1', roles: ['app'] }
    const about = await gate.ask('x', '/access/v1/evaluations', listing('patient-1', app, 'rec-1'))
    expect(await about.json()).toEqual({ evaluations: [{ decision: true }] })
    const [first, second] = await gate.events('listed')
    expect(first?.answers).toMatchObject([{ decision: 'deny', reason: 'not_owner' }])
    // By its records, the member of staff is not the patient.
    expect(first?.subject).not.toBe(second?.about)
    expect(first).not.toHaveProperty('about')
  })

  test('the pseudonym of the patient is that of the owner, and the member of staff has another', async () => {
    await gate.ask('patient-1', '/recordings/rec-1', { claims: PATIENT })
    await gate.ask('jane', '/recordings/rec-1', { claims: STAFF })
    const [denied] = await gate.events('access')
    const [view] = await gate.events('view')
    expect(view).toMatchObject({ issuer: idp.issuer, client: 'patient-app' })
    expect(view).not.toHaveProperty('entry')
    expect(denied).toMatchObject({ issuer: idp.issuer, entry: 'staff', client: 'staff-app' })
    expect(denied?.owner).toBe(view?.subject)
    expect(denied?.subject).not.toBe(view?.subject)
  })

  test('the subjects of an entry without a name of its own have pseudonyms of their own, too', async () => {
    const { name: _, ...unnamed } = staff
    const other = await open({ ...patients, name: 'patients' }, unnamed)
    await other.ask('patient-1', '/recordings/rec-1', { claims: PATIENT })
    await other.ask('jane', '/recordings/rec-1', { claims: STAFF })
    const [denied] = await other.events('access')
    const [view] = await other.events('view')
    expect(denied?.owner).toBe(view?.subject)
    expect(denied?.subject).not.toBe(view?.subject)
  })

  test('an analyst finds a member of staff by the name of the entry', async () => {
    await gate.ask('jane', '/recordings/rec-1', { claims: STAFF })
    const [denied] = await gate.events('access')
    const post = {
      method: 'POST',
      claims: { azp: 'staff-app', employee: 'analyst-1', roles: ['security'] },
      headers: { 'content-type': 'application/json' },
    }
    const pseudonym = async (subject: string, issuer?: string) => {
      const body = JSON.stringify({ subject, issuer })
      const answer = await gate.ask('x', '/console/api/pseudonym', { ...post, body })
      return ((await answer.json()) as { pseudonym?: string }).pseudonym
    }
    expect(await pseudonym('patient-1', 'staff')).toBe(denied?.subject)
    expect(await pseudonym('patient-1')).toBe(denied?.owner)
    expect(await pseudonym('patient-1', idp.issuer)).toBe(denied?.owner)
    expect(await pseudonym('patient-1', 'others')).toBeUndefined()
  })

  test('a recorder of that entry stores for the issuer’s patients', async () => {
    const claims = { azp: 'staff-app', employee: 'recorder-1', roles: ['recorder'] }
    const headers = { 'mediaward-owner': 'patient-2', 'content-length': '1' }
    const put = { method: 'PUT', body: 'x', claims, headers }
    expect((await gate.ask('x', '/recordings/rec-2', put)).status).toBe(201)
    expect((await gate.ask('patient-2', '/recordings/rec-2', { claims: PATIENT })).status).toBe(200)
  })

  test('a token that fits neither entry, or both, is refused by its audience', async () => {
    for (const claims of [{ azp: 'shop' }, {}, { client_id: 'staff-app', azp: 'patient-app' }]) {
      expect((await gate.ask('patient-1', '/recordings/rec-1', { claims })).status).toBe(401)
    }
    const events = await gate.events('access')
    expect(events.map(({ reason, entry, issuer, client }) => ({ reason, entry, issuer, client }))).toEqual(
      Array(3).fill({ reason: 'token_audience', entry: idp.issuer, issuer: undefined, client: undefined }),
    )
  })

  test('a ticket from before owns: false was set opens nothing', async () => {
    const before = await open({ ...patients, subject_claim: ['employee'] })
    const claims = { ...STAFF, azp: 'patient-app' }
    const answer = await before.ask('jane', '/recordings/rec-1/ticket', { method: 'POST', claims })
    const { url } = (await answer.json()) as { url: string }
    const { pathname } = new URL(url)
    expect((await before.fetch(pathname)).status).toBe(200)
    const after = await open({ ...patients, subject_claim: ['employee'], owns: false })
    expect((await after.fetch(pathname)).status).toBe(401)
    expect((await after.events('access'))[0]).toMatchObject({ reason: 'ticket_invalid' })
  })

  test('a ticket ends with the entry that its token was accepted by', async () => {
    const named = await open({ ...patients, name: 'patients' })
    const post = { method: 'POST', claims: PATIENT }
    const answer = await named.ask('patient-1', '/recordings/rec-1/ticket', post)
    const { pathname } = new URL(((await answer.json()) as { url: string }).url)
    expect((await named.fetch(pathname)).status).toBe(200)
    expect((await (await open({ ...patients, name: 'others' })).fetch(pathname)).status).toBe(401)
  })
})

test('an issuer whose subjects own nothing is not the one that owners are named of', async () => {
  const clinic = await createIssuer('https://staff.test/')
  const gate = await memoryGate(
    { issuers: [idp.entry(), clinic.entry({ owns: false, allowed_roles: ['recorder'] })] },
    idp,
  )
  const put = async (id: string, more = {}) => {
    const sent = await clinic.bearer('recorder-1', { roles: ['recorder'] })
    const headers = { ...sent, 'mediaward-owner': 'patient-2', 'content-length': '1', ...more }
    return (await gate.fetch(`/recordings/${id}`, { method: 'PUT', body: 'x', headers })).status
  }
  expect(await put('rec-2')).toBe(201)
  expect((await gate.ask('patient-2', '/recordings/rec-2')).status).toBe(200)
  expect(await put('rec-3', { 'mediaward-owner-issuer': clinic.issuer })).toBe(400)
})

test('two entries with key sets of their own verify each other’s tokens with their own keys alone', async () => {
  const other = await createIssuer(idp.issuer, 'recordings', 'other')
  const gate = await open(
    idp.entry({ name: 'sign-in', audience: 'a' }),
    other.entry({ name: 'reset', audience: 'b' }),
  )
  const status = async (by: typeof idp, aud: string) =>
    (await gate.fetch('/recordings/rec-1', { headers: await by.bearer('patient-1', { aud }) })).status
  expect(await status(idp, 'a')).toBe(200)
  expect(await status(other, 'b')).toBe(200)
  expect(await status(idp, 'b')).toBe(401)
  expect(await status(other, 'a')).toBe(401)
  const refused = await gate.events('access')
  expect(refused.map(({ reason, entry, issuer }) => ({ reason, entry, issuer }))).toEqual([
    { reason: 'token_key_unknown', entry: 'reset', issuer: undefined },
    { reason: 'token_key_unknown', entry: 'sign-in', issuer: undefined },
  ])
  // One person, by whichever entry.
  expect(new Set((await gate.events('view')).map(({ subject }) => subject)).size).toBe(1)
})

describe('templates', () => {
  const A = '11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
  const B = '22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb'
  const iss = (tenant: string) => `https://login.test/${tenant}/v2.0`
  const entry = () =>
    idp.entry({ issuer: iss('{tenantid}'), name: 'entra', tenants: [A, B], tenant_claim: 'tid' })
  const cases: [string, object, string][] = [
    ['of a listed tenant', { iss: iss(A), tid: A }, 'recording_unknown'],
    ['of the other listed tenant', { iss: iss(B), tid: B }, 'recording_unknown'],
    ['of another tenant than its iss', { iss: iss(A), tid: B }, 'token_claim_value'],
    ['with its tenant in capitals', { iss: iss(A), tid: A.toUpperCase() }, 'token_claim_value'],
    ['without tid', { iss: iss(A) }, 'token_claim_missing'],
    ['of a tenant that is not listed', { iss: iss('33333333'), tid: '33333333' }, 'token_issuer'],
    ['of the template itself', { iss: iss('{tenantid}'), tid: '{tenantid}' }, 'token_issuer'],
  ]
  test.each(cases)('a token %s is refused as %3$s', async (_, claims, expected) => {
    const gate = await open(entry())
    await gate.ask('patient-1', '/recordings/unknown', { claims: claims as Record<string, string> })
    expect((await gate.events('access')).map(({ reason }) => reason)).toEqual([expected])
  })

  test.each<[string | undefined, string, number]>([
    [undefined, 'of no tenant', 404],
    [iss('{tenantid}'), 'of every tenant', 404],
    [iss(A), 'of this tenant', 404],
    [iss(B), 'of another tenant', 401],
    [`https://sts.test/${A}/`, 'of this tenant, in another version', 404],
    ['https://login.test/v2.0', 'of an issuer without a tenant', 401],
  ])('a key whose issuer is %j is %s: %i', async (issuer, _, status) => {
    const keys = idp.jwks.keys.map(key => ({ ...key, ...(issuer !== undefined && { issuer }) }))
    const gate = await open({ ...entry(), jwks: { keys } as never })
    const asked = { claims: { iss: iss(A), tid: A } }
    expect((await gate.ask('patient-1', '/recordings/unknown', asked)).status).toBe(status)
  })

  const v2 = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
  const v1 = (tenant: string) => `https://sts.windows.net/${tenant}/`
  test.each<[string, string | undefined, string, number]>([
    [v2(A), undefined, 'of every issuer', 404],
    [v2(A), v2('{tenantid}'), 'of every tenant', 404],
    [v2(A), v2(A), 'of this issuer', 404],
    [v2(A), v2(B), 'of another tenant', 401],
    [v1(A), v2('{tenantid}'), 'of every tenant', 404],
    [v1(A), v2(A), "of this tenant's tokens of version 2", 404],
    [v1(A), v2(B), 'of another tenant', 401],
    [`https://${A}.ciamlogin.com/${A}/v2.0`, v2('{tenantid}'), 'of every tenant', 404],
    [`https://${A}.ciamlogin.com/${A}/v2.0`, `https://clinic.ciamlogin.com/${A}/v2.0`, 'of this one', 404],
    [idp.issuer, idp.issuer, 'of this issuer', 404],
    [idp.issuer, 'https://other.test/', 'of another issuer', 401],
  ])('of an entry for %s, a key whose issuer is %j is %s: %i', async (iss, issuer, _, status) => {
    const keys = idp.jwks.keys.map(key => ({ ...key, ...(issuer !== undefined && { issuer }) }))
    const gate = await open({ ...idp.entry({ issuer: iss }), jwks: { keys } as never })
    expect((await gate.ask('patient-1', '/recordings/unknown', { claims: { iss } })).status).toBe(status)
  })

  test.each<[string, number]>([
    [v2('{tenantid}'), 404],
    [v2(A), 404],
    [v2(B), 401],
  ])('of a template of version 1, a key whose issuer is %s gets %i', async (issuer, status) => {
    const keys = idp.jwks.keys.map(key => ({ ...key, issuer }))
    const jwks = (() => ({ keys })) as never
    // The other entry of the tenant shares the set.
    const gate = await open(
      { ...entry(), issuer: v1('{tenantid}'), jwks },
      { ...idp.entry({ issuer: v2(A) }), jwks },
    )
    for (const claims of [{ iss: v2(A) }, { iss: v1(A), tid: A }]) {
      expect((await gate.ask('patient-1', '/recordings/unknown', { claims })).status).toBe(status)
    }
  })

  test('a broken key of another tenant is not one of this tenant that can’t be used', async () => {
    const broken = { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'test' }
    const status = async (issuer: string) => {
      const other = (await createIssuer('https://other.test/', 'recordings', 'of-a')).jwks.keys
      const keys = [...other, { ...broken, issuer }]
      const gate = await open({ ...idp.entry({ issuer: v2(A) }), jwks: (() => ({ keys })) as never })
      return (await gate.ask('patient-1', '/recordings/unknown', { claims: { iss: v2(A) } })).status
    }
    expect(await status(v2(A))).toBe(503)
    expect(await status(v2(B))).toBe(401)
  })

  test('of one set for several tenants, each key signs for its own tenant only', async () => {
    const other = await createIssuer(v2(B), 'recordings', 'of-b')
    const keys = [
      ...idp.jwks.keys.map(key => ({ ...key, issuer: v2(A) })),
      ...other.jwks.keys.map(key => ({ ...key, issuer: v2(B) })),
    ]
    // Two entries with one function share what it returns.
    const jwks = (() => ({ keys })) as never
    const gate = await open(
      { ...idp.entry({ issuer: v2(A) }), jwks },
      { ...idp.entry({ issuer: v2(B) }), jwks },
    )
    for (const [signer, iss, status] of [
      [idp, v2(A), 404],
      [other, v2(B), 404],
      [idp, v2(B), 401],
      [other, v2(A), 401],
    ] as const) {
      const headers = { authorization: `Bearer ${await signer.token('patient-1', { iss })}` }
      expect((await gate.fetch('/recordings/unknown', { headers })).status).toBe(status)
    }
  })

  test('a template gives no role by default: each of its tenants is an issuer of its own', async () => {
    const gate = await open(entry())
    const claims = { iss: iss(A), tid: A, roles: ['security'] }
    expect((await gate.ask('a', '/console/api/records', { claims })).status).toBe(404)
    const allowed = await open({ ...entry(), allowed_roles: ['security'] })
    expect((await allowed.ask('a', '/console/api/records', { claims })).status).toBe(200)
  })
})

describe('what a token must hold', () => {
  test.each<[Partial<Issuer>, object, string | undefined, string?]>([
    [{ required_claims: { acr: '2' } }, { acr: '2' }, undefined],
    [{ required_claims: { acr: '2' } }, { acr: '1' }, 'token_claim_value', 'acr'],
    [{ required_claims: { acr: '2' } }, {}, 'token_claim_missing', 'acr'],
    [{ required_claims: { constructor: '2' } }, {}, 'token_claim_missing', 'constructor'],
    [{ required_claims: { scope: 'play' } }, { scope: 'openid play' }, undefined],
    [{ required_claims: { a: 'x', b: ['y', 'z'] } }, { a: 'x', b: 'z' }, undefined],
    [{ required_claims: { a: 'x', b: ['y', 'z'] } }, { a: 'x', b: 'x' }, 'token_claim_value', 'b'],
    [{ audience: 'x' }, {}, 'token_audience', 'aud'],
    [{ tenant_claim: ['org', 'id'] }, { org: { id: 7 } }, 'token_claim_missing', 'org.id'],
    [{ subject_claim: ['ext', 'patient_id'] }, {}, 'token_claim_missing', 'ext.patient_id'],
    [{ max_age_s: 60 }, { iat: undefined }, 'token_claim_missing', 'iat'],
  ])('under %j the claims %j are refused as %j', async (settings, claims, reason, claim) => {
    const gate = await open(idp.entry(settings))
    const asked = { claims: { client_id: 'app', ...claims } as Record<string, string> }
    await gate.ask('patient-1', '/recordings/rec-1', asked)
    const events = await gate.events('access')
    expect(events.map(event => event.reason)).toEqual(reason === undefined ? [] : [reason])
    if (reason === undefined) return
    // With a good signature, the record names the issuer, the client and the claim.
    expect(events[0]).toMatchObject({ issuer: idp.issuer, client: 'app', claim })
  })

  test('a token with a bad signature is on record with the entry that has its issuer, and with nothing of its own', async () => {
    const stranger = await createIssuer(idp.issuer)
    const gate = await open(idp.entry({ name: 'clinic' }))
    const headers = await stranger.bearer('patient-1', { client_id: 'app', exp: 1 })
    await gate.fetch('/recordings/rec-1', { headers })
    const [event] = await gate.events('access')
    expect(event).toMatchObject({ reason: 'token_signature', entry: 'clinic' })
    for (const member of ['subject', 'issuer', 'client', 'claim', 'token'])
      expect(event).not.toHaveProperty(member)
  })

  test('a token of an issuer that is not configured is on record without its issuer', async () => {
    const gate = await open(idp.entry())
    await gate.ask('patient-1', '/recordings/rec-1', { claims: { iss: 'https://other.test/' } })
    const [event] = await gate.events('access')
    expect(event).toMatchObject({ reason: 'token_issuer' })
    for (const member of ['entry', 'issuer', 'claim']) expect(event).not.toHaveProperty(member)
  })
})

test('the prefix Patient/ is taken off the subject, the owner and the person asked about, and no other is', async () => {
  const entry = idp.entry({ subject_claim: 'fhirUser', allowed_roles: ['recorder', 'app'] })
  const gate = await open(entry)
  const put = {
    method: 'PUT',
    body: 'x',
    claims: { fhirUser: 'Device/recorder', roles: ['recorder'] },
    headers: { 'mediaward-owner': 'Patient/p-9', 'content-length': '1' },
  }
  expect((await gate.ask('x', '/recordings/rec-2', put)).status).toBe(201)
  const status = async (fhirUser: string) =>
    (await gate.ask('x', '/recordings/rec-2', { claims: { fhirUser } })).status
  expect(await status('Patient/p-9')).toBe(200)
  expect(await status('p-9')).toBe(200)
  for (const other of [
    'Practitioner/p-9',
    'https://ehr.test/Patient/p-9',
    'Patient/Patient/p-9',
    'patient/p-9',
    'Patient/',
  ])
    expect(await status(other)).toBe(other === 'Patient/' ? 401 : 404)
  const app = { fhirUser: 'Device/app', roles: ['app'] }
  const list = await gate.ask('x', '/access/v1/evaluations', listing('Patient/p-9', app, 'rec-2'))
  expect(await list.json()).toEqual({ evaluations: [{ decision: true }] })
})
