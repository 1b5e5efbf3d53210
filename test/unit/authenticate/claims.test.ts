import type { JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import type { KeySource } from '../../../src/authenticate/keys/key-source.ts'
import { createKeySources } from '../../../src/authenticate/keys/key-sources.ts'
import { usableKeys } from '../../../src/authenticate/keys/usable-keys.ts'
import { TokenRefusal } from '../../../src/authenticate/token-refusal.ts'
import { TokenVerifier } from '../../../src/authenticate/token-verifier.ts'
import { TrustedIssuers } from '../../../src/authenticate/trusted-issuers.ts'
import type { Subject } from '../../../src/authorize/subject.ts'
import { Refusal } from '../../../src/refusal.ts'
import { contextOf } from '../../support/context.ts'
import { createIssuer } from '../../support/gate-client.ts'

const idp = await createIssuer()
const NOW = 1_800_000_000

const verifierOf = (entry: Issuer, keysOf: (entry: Issuer) => KeySource = createKeySources()) =>
  new TokenVerifier(new TrustedIssuers([entry], keysOf))

async function outcome(claims: Record<string, unknown>, settings?: Partial<Issuer>): Promise<string> {
  const subject = await answer(claims, settings)
  return subject instanceof Refusal ? subject.reason : subject.id
}

async function answer(
  claims: Record<string, unknown>,
  settings: Partial<Issuer> = {},
): Promise<Subject | Refusal> {
  const token = await idp.token('patient-1', {
    iat: undefined,
    exp: NOW + 600,
    ...claims,
  } as unknown as JWTPayload)
  return show(verifierOf(idp.entry(settings)), token, NOW)
}

async function ask(tokens: TokenVerifier, token: string, at: number): Promise<string> {
  const subject = await show(tokens, token, at)
  return subject instanceof Refusal ? subject.reason : subject.id
}

function show(tokens: TokenVerifier, token: string, at: number): Promise<Subject | Refusal> {
  return tokens.verify({ token, places: [] }, contextOf({ at: at * 1000 }))
}

describe('claims', () => {
  test.each<[string, Record<string, unknown>, string, Partial<Issuer>?]>([
    ['only the usual claims', {}, 'patient-1'],
    ['an audience among others', { aud: ['x', 'recordings'] }, 'patient-1'],
    ['one of our audiences', { aud: 'portal' }, 'patient-1', { audience: ['recordings', 'portal'] }],
    ['an audience that only begins like ours', { aud: 'recordings2' }, 'token_audience'],
    ['an audience in a list in a list', { aud: [['recordings']] }, 'token_audience'],
    ['an audience that is an object', { aud: { 0: 'recordings' } }, 'token_audience'],
    ['an empty list of audiences', { aud: [] }, 'token_audience'],
    ['no audience', { aud: undefined }, 'token_claim_missing'],
    ['an expiry at half a second', { exp: NOW + 0.5 }, 'patient-1'],
    ['an expiry 29 s ago', { exp: NOW - 29 }, 'patient-1'],
    ['an expiry 30 s ago', { exp: NOW - 30 }, 'token_expired'],
    ['an expiry 1 s ago under no tolerance', { exp: NOW - 1 }, 'token_expired', { clock_tolerance_s: 0 }],
    ['an expiry that is a string', { exp: String(NOW + 600) }, 'token_claim_missing'],
    ['an expiry at the end of the year 9999', { exp: 253_402_300_799 }, 'patient-1'],
    ['an expiry in the year 10000', { exp: 253_402_300_800 }, 'token_claim_missing'],
    ['a start in 1970', { nbf: 0 }, 'patient-1'],
    ['an issue time that is a string', { iat: 'now' }, 'token_claim_missing'],
    ['a security event', { events: {} }, 'token_type'],
    ['a cnf claim', { cnf: {} }, 'token_bound'],
    ['an actor', { act: { sub: 'agent-7' } }, 'token_actor'],
    ['an actor under allow_actor', { act: { sub: 'agent-7' } }, 'patient-1', { allow_actor: true }],
    ['an actor without an id under allow_actor', { act: {} }, 'token_claim_missing', { allow_actor: true }],
    ['a negative expiry', { exp: -1 }, 'token_claim_missing'],
    ['an expiry of 1e15', { exp: 1e15 }, 'token_claim_missing'],
    ['no expiry', { exp: undefined }, 'token_claim_missing'],
    ['an expiry that is null', { exp: null }, 'token_claim_missing'],
    ['a start in 30 s', { nbf: NOW + 30 }, 'patient-1'],
    ['a start in 31 s', { nbf: NOW + 31 }, 'token_not_yet_valid'],
    ['a start that is a string', { nbf: 'now' }, 'token_claim_missing'],
    ['an issue time in 30 s', { iat: NOW + 30 }, 'patient-1'],
    ['an issue time in 31 s', { iat: NOW + 31 }, 'token_not_yet_valid'],
    ['no issue time under a maximum age', {}, 'token_claim_missing', { max_age_s: 60 }],
    ['an issue time 30 s past the maximum age', { iat: NOW - 90 }, 'patient-1', { max_age_s: 60 }],
    ['an issue time 31 s past the maximum age', { iat: NOW - 91 }, 'token_too_old', { max_age_s: 60 }],
    ['a number as its subject', { sub: 1 }, 'token_claim_missing'],
    ['an object as its subject', { sub: {} }, 'token_claim_missing'],
    ['true as its subject', { sub: true }, 'token_claim_missing'],
    ['a subject of 256 characters', { sub: 'x'.repeat(256) }, 'token_claim_missing'],
    ['the subject in the claim oid', { oid: 'patient-9' }, 'patient-9', { subject_claim: 'oid' }],
    ['no claim oid, which names the subject,', {}, 'token_claim_missing', { subject_claim: 'oid' }],
    [
      'no claim constructor, which names the subject,',
      {},
      'token_claim_missing',
      { subject_claim: 'constructor' },
    ],
    ['a tenant', { tid: 'north' }, 'patient-1', { tenant_claim: 'tid' }],
    ['no tenant, which the issuer must send,', {}, 'token_claim_missing', { tenant_claim: 'tid' }],
    ['an empty tenant', { tid: '' }, 'token_claim_missing', { tenant_claim: 'tid' }],
  ])('a token with %s yields $2', async (_, claims, expected, settings) =>
    expect(await outcome(claims, settings)).toBe(expected),
  )
})

describe('allow_unbound', () => {
  const certificate = { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }
  const outcomeOf = (cnf: unknown) => outcome({ cnf }, { allow_unbound: true })

  test('accepts a token that is bound to a TLS certificate', async () => {
    expect(await outcomeOf(certificate)).toBe('patient-1')
  })

  test.each([
    ...[{}, 'x', 1, true, { 'x5t#S256': 1 }, { kid: 'x' }, { jwk: {} }, { jku: 'x' }, { jwe: 'x' }],
    ...['jkt', 'kid', 'jwk', 'jku', 'jwe'].map(member => ({ ...certificate, [member]: 'x' })),
  ])('accepts no token with the cnf %j', async cnf => {
    expect(await outcomeOf(cnf)).toBe('token_bound')
  })
})

const SMART = { subject_claim: 'patient', fhir_base: 'https://ehr.test/fhir' }

describe('SMART launch contexts', () => {
  const launched = (fhirUser: unknown) => ({ patient: 'p-9', fhirUser })
  test.each<[string, Record<string, unknown>, string, Partial<Issuer>?]>([
    ['the patient as its user', launched('Patient/p-9'), 'p-9'],
    ['the patient of our FHIR server', launched('https://ehr.test/fhir/Patient/p-9'), 'p-9', SMART],
    [
      'the patient of our FHIR server, set with a slash,',
      launched('https://ehr.test/fhir/Patient/p-9'),
      'p-9',
      {
        ...SMART,
        fhir_base: 'https://ehr.test/fhir/',
      },
    ],
    ['a relative patient and a FHIR server', launched('Patient/p-9'), 'p-9', SMART],
    ['no user', launched(undefined), 'token_claim_missing'],
    ['no user and a FHIR server', launched(undefined), 'token_claim_missing', SMART],
    ['a clinician as its user', launched('Practitioner/dr-1'), 'token_subject'],
    ['a clinician of the patient’s id', launched('Practitioner/p-9'), 'token_subject'],
    ['a parent as its user', launched('RelatedPerson/mother-of-p-9'), 'token_subject'],
    ['another patient as its user', launched('Patient/p-90'), 'token_subject'],
    [
      'the URL of a patient and no FHIR server',
      launched('https://ehr.test/fhir/Patient/p-9'),
      'token_subject',
    ],
    ['the patient of another server', launched('https://evil.test/fhir/Patient/p-9'), 'token_subject', SMART],
    ['a patient below a longer URL', launched('https://ehr.test/fhir/x/Patient/p-9'), 'token_subject', SMART],
    [
      'a URL that resolves to the patient',
      launched('https://ehr.test/fhir/x/../Patient/p-9'),
      'token_subject',
      SMART,
    ],
    ['a version of the patient', launched('Patient/p-9/_history/1'), 'token_subject'],
    ['a list of users', launched(['Patient/p-9']), 'token_subject'],
    ['a user in small letters', launched('patient/p-9'), 'token_subject'],
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
    ['an encounter and no user', { encounter: 'e' }, 'token_claim_missing', { subject_claim: 'encounter' }],
    [
      'the patient in another claim and a clinician',
      { smart: 'p-9', fhirUser: 'Practitioner/1' },
      'token_subject',
      {
        ...SMART,
        subject_claim: 'smart',
      },
    ],
    ['fhirUser as the subject', { fhirUser: 'Patient/p-9' }, 'p-9', { ...SMART, subject_claim: 'fhirUser' }],
  ])(
    'a launch context with %s yields $2',
    async (_, claims, expected, settings = { subject_claim: 'patient' }) => {
      expect(await outcome(claims, settings)).toBe(expected)
    },
  )
})

describe('verified addresses', () => {
  const email = (verified: unknown) => ({ email: 'jane@clinic.test', email_verified: verified })
  test.each<[string, Record<string, unknown>, string, string?]>([
    ['a verified email', email(true), 'jane@clinic.test'],
    ['an unverified email', email(false), 'token_subject'],
    ['an email verified by a string', email('true'), 'token_subject'],
    ['an email verified by the number 1', email(1), 'token_subject'],
    ['an email without email_verified', email(undefined), 'token_claim_missing'],
    [
      'an email with phone_number_verified alone',
      { ...email(undefined), phone_number_verified: true },
      'token_claim_missing',
    ],
    [
      'a verified telephone number',
      { phone_number: '+1', phone_number_verified: true },
      '+1',
      'phone_number',
    ],
    [
      'an unverified telephone number',
      { phone_number: '+1', phone_number_verified: false },
      'token_subject',
      'phone_number',
    ],
    ['sub, beside an unverified email,', email(false), 'patient-1', 'sub'],
  ])('a token whose subject is %s yields $2', async (_, claims, expected, subject_claim = 'email') => {
    expect(await outcome(claims, { subject_claim })).toBe(expected)
  })

  test('the refusal of a token whose subject is not proven names no subject', async () => {
    for (const [claims, settings] of [
      [{ patient: 'p-9', fhirUser: 'Practitioner/dr-1' }, { subject_claim: 'patient' }],
      [email(false), { subject_claim: 'email' }],
    ] as const) {
      const refusal = await answer(claims, settings)
      expect(refusal).toMatchObject({ reason: 'token_subject' })
      expect(refusal instanceof TokenRefusal && refusal.facts).not.toHaveProperty('subject')
    }
  })
})

describe('remembered tokens', () => {
  test('a token that was verified before is still refused before its start and after its expiry', async () => {
    const authenticate = verifierOf(idp.entry({ max_age_s: 300 }))
    const token = await idp.token('patient-1', { iat: NOW, nbf: NOW, exp: NOW + 200 })
    expect(await ask(authenticate, token, NOW)).toBe('patient-1')
    expect(await ask(authenticate, token, NOW + 229)).toBe('patient-1')
    expect(await ask(authenticate, token, NOW + 230)).toBe('token_expired')
    expect(await ask(authenticate, token, NOW)).toBe('patient-1')
    expect(await ask(authenticate, token, NOW - 31)).toBe('token_not_yet_valid')
  })

  test('a token that was verified before is never mistaken for another one', async () => {
    const authenticate = verifierOf(idp.entry())
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

  test('a token that was verified before is verified again when its issuer has other keys', async () => {
    let keys = usableKeys(idp.jwks)
    const source = { current: async () => keys, newer: async () => keys }
    const authenticate = verifierOf(idp.entry(), () => source)
    const token = await idp.token('patient-1', { iat: NOW, exp: NOW + 3600 })
    expect(await ask(authenticate, token, NOW)).toBe('patient-1')
    keys = usableKeys({ keys: [] })
    expect(await ask(authenticate, token, NOW + 1)).toBe('token_key_unknown')
  })
})
