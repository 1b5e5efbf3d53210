import type { JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'
import { TokenVerifier } from '../../../src/authenticate/bearer.ts'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import type { Subject } from '../../../src/authorize/subject.ts'
import { Refusal } from '../../../src/refusal.ts'
import { createIssuer } from '../../support/gate-client.ts'

const idp = await createIssuer()
const NOW = 1_800_000_000

async function outcome(claims: Record<string, unknown>, settings?: Partial<Issuer>): Promise<string> {
  const subject = await answer(claims, settings)
  return subject instanceof Refusal ? subject.reason : subject.id
}

async function answer(
  claims: Record<string, unknown>,
  settings: Partial<Issuer> = {},
): Promise<Subject | Refusal> {
  const issuer: Issuer = {
    issuer: idp.issuer,
    audience: idp.audience,
    algorithms: ['ES256'],
    jwks: idp.jwks as never,
    ...settings,
  }
  const token = await idp.token('patient-1', {
    iat: undefined,
    exp: NOW + 600,
    ...claims,
  } as unknown as JWTPayload)
  return show(new TokenVerifier([issuer]), token, NOW)
}

async function ask(tokens: TokenVerifier, token: string, at: number): Promise<string> {
  const subject = await show(tokens, token, at)
  return subject instanceof Refusal ? subject.reason : subject.id
}

function show(tokens: TokenVerifier, token: string, at: number): Promise<Subject | Refusal> {
  return tokens.verify(token, { at: at * 1000, waitUntil: () => {} })
}

describe('claims', () => {
  test.each<[string, Record<string, unknown>, string, Partial<Issuer>?]>([
    ['plain', {}, 'patient-1'],
    ['an audience among others', { aud: ['x', 'recordings'] }, 'patient-1'],
    ['one of our audiences', { aud: 'portal' }, 'patient-1', { audience: ['recordings', 'portal'] }],
    ['an audience that only begins like ours', { aud: 'recordings2' }, 'token_audience'],
    ['an audience in a list in a list', { aud: [['recordings']] }, 'token_audience'],
    ['an audience that is an object', { aud: { 0: 'recordings' } }, 'token_audience'],
    ['no audience in a list', { aud: [] }, 'token_audience'],
    ['no audience', { aud: undefined }, 'token_claim_missing'],
    ['a fraction of a second', { exp: NOW + 0.5 }, 'patient-1'],
    ['an end 29 s ago', { exp: NOW - 29 }, 'patient-1'],
    ['an end 30 s ago', { exp: NOW - 30 }, 'token_expired'],
    ['an end 1 s ago, to the second', { exp: NOW - 1 }, 'token_expired', { clock_tolerance_s: 0 }],
    ['an end of another kind', { exp: String(NOW + 600) }, 'token_claim_missing'],
    ['an end on the last day of all', { exp: 253_402_300_799 }, 'patient-1'],
    ['an end a second later', { exp: 253_402_300_800 }, 'token_claim_missing'],
    ['a start at the beginning of time', { nbf: 0 }, 'patient-1'],
    ['a time of making of another kind', { iat: 'now' }, 'token_claim_missing'],
    ['a security event', { events: {} }, 'token_type'],
    ['a bound token', { cnf: {} }, 'token_bound'],
    ['a bound token, which is allowed', { cnf: {} }, 'patient-1', { allow_unbound: true }],
    ['an actor', { act: { sub: 'agent-7' } }, 'token_actor'],
    ['an actor, which is allowed', { act: { sub: 'agent-7' } }, 'patient-1', { allow_actor: true }],
    ['an actor without an id, which is not', { act: {} }, 'token_claim_missing', { allow_actor: true }],
    ['an end before all time', { exp: -1 }, 'token_claim_missing'],
    ['an end beyond all dates', { exp: 1e15 }, 'token_claim_missing'],
    ['no end', { exp: undefined }, 'token_claim_missing'],
    ['an end that is null', { exp: null }, 'token_claim_missing'],
    ['a start in 30 s', { nbf: NOW + 30 }, 'patient-1'],
    ['a start in 31 s', { nbf: NOW + 31 }, 'token_not_yet_valid'],
    ['a start of another kind', { nbf: 'now' }, 'token_claim_missing'],
    ['made in 30 s', { iat: NOW + 30 }, 'patient-1'],
    ['made in 31 s', { iat: NOW + 31 }, 'token_not_yet_valid'],
    ['made at no time, with a maximum age', {}, 'token_claim_missing', { max_age_s: 60 }],
    ['made 90 s ago', { iat: NOW - 90 }, 'patient-1', { max_age_s: 60 }],
    ['made 91 s ago', { iat: NOW - 91 }, 'token_too_old', { max_age_s: 60 }],
    ['a number for a subject', { sub: 1 }, 'token_claim_missing'],
    ['an object for a subject', { sub: {} }, 'token_claim_missing'],
    ['true for a subject', { sub: true }, 'token_claim_missing'],
    ['a subject too long', { sub: 'x'.repeat(256) }, 'token_claim_missing'],
    ['another claim for the subject', { oid: 'patient-9' }, 'patient-9', { subject_claim: 'oid' }],
    ['that claim missing', {}, 'token_claim_missing', { subject_claim: 'oid' }],
    ['a member of every object for the subject', {}, 'token_claim_missing', { subject_claim: 'constructor' }],
    ['a tenant', { tid: 'north' }, 'patient-1', { tenant_claim: 'tid' }],
    ['a tenant missing', {}, 'token_claim_missing', { tenant_claim: 'tid' }],
    ['an empty tenant', { tid: '' }, 'token_claim_missing', { tenant_claim: 'tid' }],
  ])('%s', async (_, claims, expected, settings) => expect(await outcome(claims, settings)).toBe(expected))
})

const SMART = { subject_claim: 'patient', fhir_base: 'https://ehr.test/fhir' }

describe('a launch context counts for the subject only with who is logged in', () => {
  const launched = (fhirUser: unknown) => ({ patient: 'p-9', fhirUser })
  test.each<[string, Record<string, unknown>, string, Partial<Issuer>?]>([
    ['the patient', launched('Patient/p-9'), 'p-9'],
    ['the patient of our FHIR server', launched('https://ehr.test/fhir/Patient/p-9'), 'p-9', SMART],
    [
      'the same, and a base with a slash',
      launched('https://ehr.test/fhir/Patient/p-9'),
      'p-9',
      {
        ...SMART,
        fhir_base: 'https://ehr.test/fhir/',
      },
    ],
    ['a relative one, and a base', launched('Patient/p-9'), 'p-9', SMART],
    ['no user', launched(undefined), 'token_claim_missing'],
    ['no user, and a base', launched(undefined), 'token_claim_missing', SMART],
    ['a clinician', launched('Practitioner/dr-1'), 'token_subject'],
    ['a clinician of the patient’s id', launched('Practitioner/p-9'), 'token_subject'],
    ['a parent', launched('RelatedPerson/mother-of-p-9'), 'token_subject'],
    ['another patient', launched('Patient/p-90'), 'token_subject'],
    ['the patient of some server', launched('https://ehr.test/fhir/Patient/p-9'), 'token_subject'],
    ['the patient of another server', launched('https://evil.test/fhir/Patient/p-9'), 'token_subject', SMART],
    ['a longer base', launched('https://ehr.test/fhir/x/Patient/p-9'), 'token_subject', SMART],
    ['a URL that resolves to it', launched('https://ehr.test/fhir/x/../Patient/p-9'), 'token_subject', SMART],
    ['a version of the patient', launched('Patient/p-9/_history/1'), 'token_subject'],
    ['a list', launched(['Patient/p-9']), 'token_subject'],
    ['small letters', launched('patient/p-9'), 'token_subject'],
    [
      'an encounter, and a patient of the same id',
      { encounter: 'e', fhirUser: 'Patient/e' },
      'e',
      { subject_claim: 'encounter' },
    ],
    [
      'an encounter that a clinician has open',
      { encounter: 'e', fhirUser: 'Practitioner/dr-1' },
      'token_subject',
      { subject_claim: 'encounter' },
    ],
    ['an encounter by itself', { encounter: 'e' }, 'token_claim_missing', { subject_claim: 'encounter' }],
    [
      'a launch context by another name',
      { smart: 'p-9', fhirUser: 'Practitioner/1' },
      'token_subject',
      {
        ...SMART,
        subject_claim: 'smart',
      },
    ],
    ['fhirUser itself', { fhirUser: 'Patient/p-9' }, 'Patient/p-9', { ...SMART, subject_claim: 'fhirUser' }],
  ])('%s', async (_, claims, expected, settings = { subject_claim: 'patient' }) => {
    expect(await outcome(claims, settings)).toBe(expected)
  })
})

describe('an address counts for the subject only if it was verified', () => {
  const email = (verified: unknown) => ({ email: 'jane@clinic.test', email_verified: verified })
  test.each<[string, Record<string, unknown>, string, string?]>([
    ['true', email(true), 'jane@clinic.test'],
    ['false', email(false), 'token_subject'],
    ['a string', email('true'), 'token_subject'],
    ['1', email(1), 'token_subject'],
    ['nothing', email(undefined), 'token_claim_missing'],
    ['another claim', { ...email(undefined), phone_number_verified: true }, 'token_claim_missing'],
    ['true of a telephone', { phone_number: '+1', phone_number_verified: true }, '+1', 'phone_number'],
    [
      'false of a telephone',
      { phone_number: '+1', phone_number_verified: false },
      'token_subject',
      'phone_number',
    ],
    ['false of an address that is not the subject', email(false), 'patient-1', 'sub'],
  ])('%s', async (_, claims, expected, subject_claim = 'email') => {
    expect(await outcome(claims, { subject_claim })).toBe(expected)
  })

  test('a token without a proven subject is refused without a name for the record', async () => {
    for (const [claims, settings] of [
      [{ patient: 'p-9', fhirUser: 'Practitioner/dr-1' }, { subject_claim: 'patient' }],
      [email(false), { subject_claim: 'email' }],
    ] as const) {
      expect(await answer(claims, settings)).toEqual({ reason: 'token_subject' })
    }
  })
})

describe('a token that was verified before', () => {
  const issuer: Issuer = {
    issuer: idp.issuer,
    audience: idp.audience,
    algorithms: ['ES256'],
    jwks: idp.jwks as never,
  }

  test('expires when it says so', async () => {
    const authenticate = new TokenVerifier([{ ...issuer, max_age_s: 300 }])
    const token = await idp.token('patient-1', { iat: NOW, nbf: NOW, exp: NOW + 200 })
    expect(await ask(authenticate, token, NOW)).toBe('patient-1')
    expect(await ask(authenticate, token, NOW + 229)).toBe('patient-1')
    expect(await ask(authenticate, token, NOW + 230)).toBe('token_expired')
    expect(await ask(authenticate, token, NOW)).toBe('patient-1')
    expect(await ask(authenticate, token, NOW - 31)).toBe('token_not_yet_valid')
  })

  test('is never mistaken for another one', async () => {
    const authenticate = new TokenVerifier([issuer])
    const [one, two] = [
      await idp.token('patient-1', { exp: NOW + 60 }),
      await idp.token('patient-2', { exp: NOW + 60 }),
    ]
    for (let i = 0; i < 3; i++) {
      expect(await ask(authenticate, one, NOW)).toBe('patient-1')
      expect(await ask(authenticate, two, NOW)).toBe('patient-2')
    }
    const fresh = await idp.token('patient-1', { iat: NOW, exp: NOW + 60 })
    expect(await ask(authenticate, fresh, NOW)).toBe('patient-1')
    // One character of its signature, and it is another token.
    const last = fresh.at(-2) === 'A' ? 'B' : 'A'
    expect(await ask(authenticate, fresh.slice(0, -2) + last + fresh.at(-1), NOW)).toBe('token_signature')
  })

  test('is verified again when its issuer has other keys', async () => {
    const jwks = structuredClone(idp.jwks) as { keys: object[] }
    let keys = jwks
    const source = { current: async () => keys as never, seeking: async () => keys as never }
    const authenticate = new TokenVerifier([issuer], () => source)
    const token = await idp.token('patient-1', { iat: NOW, exp: NOW + 3600 })
    expect(await ask(authenticate, token, NOW)).toBe('patient-1')
    keys = { keys: [] }
    expect(await ask(authenticate, token, NOW + 1)).toBe('token_key_unknown')
  })
})
