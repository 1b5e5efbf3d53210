import { nameOf } from '../authenticate/entry.ts'
import type { ClaimPath, Issuer } from '../authenticate/issuer.ts'
import { logToOperator } from '../base/operator.ts'

/** What is most likely a mistake in an issuer's entry, but may be meant: there are providers with either. */
export interface Doubt {
  readonly member: keyof Issuer
  readonly found: string
  readonly fix: string
}

/** Finds a claim whose name has dots, and an issuer that is no URL. */
export function doubtsIn(entry: Issuer): readonly Doubt[] {
  const doubts: Doubt[] = []
  if (!/^[a-z][a-z0-9+.-]*:/i.test(entry.issuer)) {
    const fix = 'the "iss" of nearly all providers begins with "https://"'
    doubts.push({ member: 'issuer', found: 'is no URL', fix })
  }
  for (const member of ['subject_claim', 'roles_claim', 'tenant_claim'] as const) {
    const claim = entry[member]
    if (!looksLikePath(claim)) continue
    const fix = `for a nested claim, write ${JSON.stringify(claim.split('.'))}`
    doubts.push({ member, found: 'is one name with dots in it', fix })
  }
  return doubts
}

/** Warns the operator of what is doubtful in the entries of issuers. */
export function warnOfDoubtfulIssuers(issuers: readonly Issuer[]): void {
  for (const entry of issuers) {
    for (const { member, found, fix } of doubtsIn(entry)) {
      logToOperator(`the ${member} of entry ${JSON.stringify(nameOf(entry))} ${found}: ${fix}`)
    }
  }
}

/** Claims of an app's own have the name of a URL or URN (OpenID Connect Core 5.1.2), whose dots mean nothing. */
const looksLikePath = (claim: ClaimPath | undefined): claim is string =>
  typeof claim === 'string' && /^[\w-]+(?:\.[\w-]+)+$/.test(claim)
