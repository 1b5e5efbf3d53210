import { type Difference, nearestIssuer } from './nearest-issuer.ts'
import type { Advice, RefusedToken } from './refused-token.ts'
import { entryName, quoted, shownIssuer } from './shown.ts'

/** Most characters of an `iss` that distinguish it from others. */
const MAX_VARIANT = 64

/** Says how an `iss` that no entry has differs from the nearest one that an entry has. */
export function adviseOnIssuer({ payload: { iss }, entries }: RefusedToken): Advice {
  const nearest = typeof iss === 'string' ? nearestIssuer(iss, entries) : undefined
  if (typeof iss !== 'string' || nearest === undefined) {
    return {
      found: `a token has ${shownIssuer(iss)}`,
      fix: 'have the provider write its issuer as "iss", or use the access token in place of this one',
      variant: 'none',
    }
  }
  const { entry, difference } = nearest
  return {
    found: `a token has ${shownIssuer(iss)}; the nearest configured issuer is ${quoted(entry.issuer)} (${DIFFERS[difference]})`,
    fix: FIX[difference](entryName(entry), iss),
    ...(difference === 'other'
      ? { variant: iss.slice(0, MAX_VARIANT), isStrange: true }
      : { variant: [entry.issuer, difference].join(' ') }),
  }
}

const DIFFERS: Readonly<Record<Difference, string>> = {
  slash: 'they differ by a slash at the end',
  scheme: 'they differ by "http:" and "https:"',
  case: 'they differ in upper and lower case',
  version: 'one is that of version 1 tokens of Microsoft Entra, the other of version 2',
  tenant: 'it is of another tenant',
  path: 'it has another path',
  other: 'they are not alike',
}

const FIX: Readonly<Record<Difference, (entry: string, iss: string) => string>> = {
  slash: (entry, iss) => `write "issuer" of ${entry} ${iss.endsWith('/') ? 'with' : 'without'} the slash`,
  scheme: (entry, iss) =>
    `write "issuer" of ${entry} with "${iss.startsWith('https:') ? 'https:' : 'http:'}"`,
  case: entry => `write "issuer" of ${entry} to the letter as its tokens have it`,
  version: entry =>
    `set requestedAccessTokenVersion in the app's manifest, or write "issuer" of ${entry} as its tokens have it`,
  tenant: entry => `add the tenant to "tenants" of ${entry} if its people may use this gate`,
  path: entry =>
    `write "issuer" of ${entry} as its tokens have it, if that realm or authorization server is yours`,
  // An attacker chooses this `iss`. The operator must not be led to trust it.
  other: () =>
    'correct "issuer" or add an entry only if that provider is yours, as anyone can send such a token',
}
