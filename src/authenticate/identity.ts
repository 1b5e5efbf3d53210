import { Refusal } from '../refusal.ts'
import type { Issuer } from './issuer.ts'

/** The claims of a token whose signature was verified. */
export type Claims = Readonly<Record<string, unknown>>

/** Whether a token makes a claim: null is what some libraries write for none. */
export const isPresent = (claim: unknown): boolean => claim !== undefined && claim !== null

/**
 * Claims of a SMART app that say what it was launched with, not who is logged in (SMART App Launch 2.2, launch context):
 * a clinician's token names the patient whose chart is open, a parent's the child.
 */
const LAUNCH_CONTEXT: ReadonlySet<string> = new Set(['patient', 'encounter'])

/** Claims that anyone may have typed in, and the claim that says that they were verified (OpenID Connect Core 5.1). */
const VERIFIED_BY: ReadonlyMap<string, string> = new Map([
  ['email', 'email_verified'],
  ['phone_number', 'phone_number_verified'],
])

/**
 * Refuses a token whose subject claim doesn't say for sure who is logged in.
 *
 * @param id what the subject claim holds
 */
export function refuseUnproven(claims: Claims, id: string, issuer: Issuer): Refusal | undefined {
  const { subject_claim = 'sub', fhir_base } = issuer
  const verified = VERIFIED_BY.get(subject_claim)
  if (verified !== undefined) return proven(claims[verified], [true])
  const isContext = LAUNCH_CONTEXT.has(subject_claim) || fhir_base !== undefined
  // Who is logged in needs no second claim to say so.
  if (!isContext || subject_claim === 'fhirUser') return undefined
  const patient = `Patient/${id}`
  // Compared to the letter: a URL that merely resolves to the same isn't worth the ways in which it could deceive.
  return proven(claims.fhirUser, fhir_base === undefined ? [patient] : [patient, below(fhir_base, patient)])
}

function proven(claim: unknown, proofs: readonly unknown[]): Refusal | undefined {
  if (!isPresent(claim)) return new Refusal('token_claim_missing')
  return proofs.includes(claim) ? undefined : new Refusal('token_subject')
}

const below = (base: string, path: string): string => `${base.endsWith('/') ? base : `${base}/`}${path}`
