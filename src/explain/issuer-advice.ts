import { type Difference, nearestIssuer } from './nearest-issuer.ts'
import type { Advice, RefusedToken } from './refused-token.ts'
import { shownEntry, shownIssuer } from './shown.ts'

/** Most characters of an `iss` that distinguish it from others. */
const MAX_VARIANT = 64

/** Says how an `iss` that no entry has differs from the nearest one that an entry has. */
export function adviseOnIssuer({ payload: { iss }, entries }: RefusedToken): Advice {
  const nearest = typeof iss === 'string' ? nearestIssuer(iss, entries) : undefined
  if (typeof iss !== 'string' || nearest === undefined) {
    return [
      `a token has ${shownIssuer(iss)}`,
      'have the provider write its issuer as "iss", or send the access token',
    ]
  }
  const { entry, difference } = nearest
  const [differs, fix = TO_THE_LETTER] = DIFFERENCES[difference]
  return [
    `a token has ${shownIssuer(iss)}; the nearest configured issuer is ${shownEntry(entry)}: ${differs}`,
    fix,
    difference === 'other' ? iss.slice(0, MAX_VARIANT) : `${entry.issuer} ${difference}`,
    difference === 'other',
  ]
}

/** How to fix it if an entry's issuer isn't that of its tokens. */
export const TO_THE_LETTER = 'write "issuer" to the letter as its tokens have it'

/** How the two differ, and how to fix it. */
const DIFFERENCES: Readonly<Record<Difference, readonly [differs: string, fix?: string]>> = {
  slash: ['they differ by a slash at the end'],
  scheme: ['they differ by "http:" and "https:"'],
  case: ['they differ in upper and lower case'],
  version: [
    'one is of version 1 tokens of Microsoft Entra, the other of version 2',
    `set requestedAccessTokenVersion in the app's manifest, or ${TO_THE_LETTER}`,
  ],
  tenant: ['it is of another tenant', 'add the tenant to "tenants" if its people may use this gate'],
  path: ['it has another path', `${TO_THE_LETTER}, if that realm or authorization server is yours`],
  // An attacker chooses this `iss`. The operator must not be led to trust it.
  other: [
    'they are not alike',
    'correct "issuer" or add an entry only if that provider is yours: anyone can send such a token',
  ],
}
