import { Refusal } from '../refusal.ts'
import type { Issuer } from './issuer.ts'

/** The claims of a token whose signature was verified. */
export type Claims = Readonly<Record<string, unknown>>

/** Returns whether a claim is present. Some libraries write null for an absent one. */
export const isPresent = (claim: unknown): boolean => claim !== undefined && claim !== null

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

/**
 * Refuses a token whose subject claim doesn't prove who is logged in.
 *
 * @param id the value of the subject claim
 */
export function refuseUnproven(claims: Claims, id: string, issuer: Issuer): Refusal | undefined {
  const { subject_claim = 'sub', fhir_base } = issuer
  const verified = VERIFIED_BY.get(subject_claim)
  if (verified !== undefined) return requireOneOf([true], claims[verified])
  const isContext = LAUNCH_CONTEXT.has(subject_claim) || fhir_base !== undefined
  // `fhirUser` itself says who is logged in, so it needs no second claim to prove it.
  if (!isContext || subject_claim === 'fhirUser') return undefined
  const patient = `Patient/${id}`
  // Compared to the letter. Resolving URLs would accept more spellings, and with them more ways to deceive.
  const accepted = fhir_base === undefined ? [patient] : [patient, urlBelow(fhir_base, patient)]
  return requireOneOf(accepted, claims.fhirUser)
}

function requireOneOf(accepted: readonly unknown[], claim: unknown): Refusal | undefined {
  if (!isPresent(claim)) return new Refusal('token_claim_missing')
  return accepted.includes(claim) ? undefined : new Refusal('token_subject')
}

const urlBelow = (base: string, path: string): string => `${base.endsWith('/') ? base : `${base}/`}${path}`
