import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptClaims, flawsOfClaims } from '../../src/authenticate/claims.ts'
import { resolveEntries } from '../../src/authenticate/entry.ts'
import type { Issuer } from '../../src/authenticate/issuer.ts'
import { TokenRefusal } from '../../src/authenticate/token-refusal.ts'
import { stepOf } from '../../src/explain/steps.ts'
import { REASONS } from '../../src/reason.ts'
import { sample } from '../support/sample.ts'

// What `explain` says is what the gate decides, whatever the claims are and whatever is configured.

const NOW = 1_800_000_000
const GOOD = { iss: 'https://a.test/', aud: 'recordings', sub: 'patient-1', iat: NOW - 10, exp: NOW + 600 }

const id = fc.constantFrom<unknown>(
  'recordings',
  'app',
  'other',
  '',
  7,
  null,
  undefined,
  [],
  ['recordings'],
  ['app', 'x'],
  {},
)
const time = fc.constantFrom<unknown>(
  NOW,
  NOW - 1e6,
  NOW + 1e6,
  NOW * 1000,
  'soon',
  null,
  undefined,
  Number.NaN,
)
const claims = fc.record(
  {
    ...{ sub: id, aud: id, client_id: id, azp: id, org: id, acr: id, tid: id, fhirUser: id, email: id },
    ...{ email_verified: fc.constantFrom(true, false, 'true', undefined), exp: time, nbf: time, iat: time },
    act: fc.constantFrom<unknown>(undefined, null, {}, { sub: 'x' }),
    cnf: fc.constantFrom<unknown>(undefined, { jkt: 'x' }, { 'x5t#S256': 'x' }),
    events: fc.constantFrom<unknown>(undefined, {}),
  },
  { requiredKeys: [] },
)
const settings = fc.record(
  {
    subject_claim: fc.constantFrom<Issuer['subject_claim']>('sub', 'email', 'patient', ['a', 'b']),
    tenant_claim: fc.constant('org'),
    clients: fc.constant(['app']),
    required_claims: fc.constant({ acr: ['app', 'x'] }),
    ...{ allow_actor: fc.boolean(), allow_unbound: fc.boolean(), max_age_s: fc.constant(60) },
  },
  { requiredKeys: [] },
)
const resolve = (entry: object) =>
  resolveEntries([{ issuer: GOOD.iss, audience: 'recordings', algorithms: ['ES256'], ...entry } as Issuer])[0]

test('property: the first flaw that explain lists is the one for which the gate refuses, and an accepted token has no flaw', () => {
  let [accepted, refused] = [0, 0]
  fc.assert(
    fc.property(claims, settings, fc.boolean(), (changed, entry, isFew) => {
      // With few changes, so that some tokens are accepted.
      const some = isFew ? { acr: changed.acr, azp: changed.azp, client_id: changed.client_id } : changed
      const resolved = resolve(isFew ? { clients: entry.clients } : entry)
      if (resolved === undefined) throw new Error('no entry')
      const token = { ...GOOD, ...some }
      const outcome = acceptClaims(token, resolved, 'hash', NOW * 1000)
      const [first] = flawsOfClaims(token, resolved, NOW * 1000)
      if (outcome instanceof TokenRefusal) {
        refused++
        expect([first?.reason, first?.facts.claim]).toEqual([outcome.reason, outcome.facts.claim])
      } else {
        accepted++
        expect(first).toBeUndefined()
      }
    }),
    sample(2000, 100_000),
  )
  expect(Math.min(accepted, refused)).toBeGreaterThan(50)
})

test('every reason for which a token is refused belongs to a step of its own', () => {
  const steps = Object.fromEntries(REASONS.token.map(reason => [reason, stepOf(reason, {}, undefined)]))
  const ofSender = Object.entries(steps).filter(([, step]) => step === 'bearer')
  // What no step is named for would be shown at this one.
  expect(ofSender.map(([reason]) => reason).sort()).toEqual([
    ...['token_actor', 'token_bound', 'token_key_mismatch', 'token_unbound'],
  ])
})
