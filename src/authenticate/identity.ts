import { type Claims, claimAt, isPresent } from './claim-value.ts'
import { claimName, pathOf } from './entry.ts'
import type { ClaimPath, Issuer } from './issuer.ts'
import { claimMissing, TokenRefusal } from './token-refusal.ts'

/**
 * Claims of a SMART app that say what it was launched with, not who is logged in (SMART App Launch 2.2, launch context).
 * A clinician's token names the patient whose chart is open, a parent's token the child.
 */
const LAUNCH_CONTEXT: ReadonlySet<string> = new Set(['patient', 'encounter'])

/** Claims that a user may have typed in, with the claim that says they were verified (OpenID Connect Core 5.1). */
const VERIFIED_BY: ReadonlyMap<string, string> = new Map([
  ['email', 'email_verified'],
  ['phone_number', 'phone_number_verified'],
])

/** Claims that may hold a FHIR reference instead of an id. */
const REFERENCES: ReadonlySet<string> = new Set(['patient', 'fhirUser'])
const PATIENT = 'Patient/'

/**
 * Returns the id in a subject claim. `Patient/123` and `123` are one patient. Any other prefix, and any URL, stays: the
 * id of a practitioner or of another server's patient must not become that of a patient here.
 */
export function idIn(claim: string, path: ClaimPath): string {
  return REFERENCES.has(lastOf(path)) && claim.startsWith(PATIENT) ? claim.slice(PATIENT.length) : claim
}

/**
 * Refuses a token whose subject claim doesn't prove who is logged in.
 *
 * @param id the value of the subject claim
 */
export function refuseUnproven(
  claims: Claims,
  id: string,
  { subject_claim = 'sub', fhir_base }: Pick<Issuer, 'subject_claim' | 'fhir_base'>,
): TokenRefusal | undefined {
  const last = lastOf(subject_claim)
  const verified = VERIFIED_BY.get(last)
  // Beside the address itself: an `email_verified` elsewhere in the token is about another one.
  if (verified !== undefined)
    return requireOneOf([true], claims, [...pathOf(subject_claim).slice(0, -1), verified])
  const isContext = LAUNCH_CONTEXT.has(last) || fhir_base !== undefined
  // `fhirUser` itself says who is logged in, so it needs no second claim to prove it.
  if (!isContext || last === 'fhirUser') return undefined
  const patient = PATIENT + id
  // Compared to the letter. Resolving URLs would accept more spellings, and with them more ways to deceive.
  const accepted = fhir_base === undefined ? [patient] : [patient, urlBelow(fhir_base, patient)]
  return requireOneOf(accepted, claims, ['fhirUser'])
}

function requireOneOf(
  accepted: readonly unknown[],
  claims: Claims,
  path: ClaimPath,
): TokenRefusal | undefined {
  const value = claimAt(claims, path)
  const claim = claimName(path)
  if (!isPresent(value)) return claimMissing(claim)
  return accepted.includes(value) ? undefined : new TokenRefusal('token_subject', { claim })
}

const lastOf = (path: ClaimPath): string => pathOf(path).at(-1) ?? ''

const urlBelow = (base: string, path: string): string => `${base.endsWith('/') ? base : `${base}/`}${path}`
