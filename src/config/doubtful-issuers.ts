import { nameOf } from '../authenticate/entry.ts'
import type { ClaimPath, Issuer } from '../authenticate/issuer.ts'
import { logToOperator } from '../base/operator.ts'

/**
 * Warns the operator of what is most likely a mistake in an issuer's entry, but may be meant: a claim whose name has dots,
 * and an issuer that is no URL. There are providers with either.
 */
export function warnOfDoubtfulIssuers(issuers: readonly Issuer[]): void {
  for (const entry of issuers) {
    const of = `of entry ${JSON.stringify(nameOf(entry))}`
    if (!/^[a-z][a-z0-9+.-]*:/i.test(entry.issuer)) {
      logToOperator(`the issuer ${of} is no URL: the "iss" of nearly all providers begins with "https://"`)
    }
    for (const member of ['subject_claim', 'roles_claim', 'tenant_claim'] as const) {
      const claim = entry[member]
      if (!looksLikePath(claim)) continue
      const path = JSON.stringify(claim.split('.'))
      logToOperator(`the ${member} ${of} is one name with dots in it: for a nested claim, write ${path}`)
    }
  }
}

/** Claims of an app's own have the name of a URL or URN (OpenID Connect Core 5.1.2), whose dots mean nothing. */
const looksLikePath = (claim: ClaimPath | undefined): claim is string =>
  typeof claim === 'string' && /^[\w-]+(?:\.[\w-]+)+$/.test(claim)
