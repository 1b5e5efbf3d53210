import { type Claims, isPresent } from '../claim-value.ts'
import type { Issuer } from '../issuer.ts'
import { TokenRefusal } from '../token-refusal.ts'

/** The member of `cnf` that names a TLS certificate (RFC 8705 3.1). The gate can't check it. */
const CERTIFICATE = 'x5t#S256'
/** Other ways to name a key in `cnf` that the gate can't check (RFC 7800 3.1). */
const UNCHECKED = ['jwk', 'jwe', 'kid', 'jku']

/** Returns the thumbprint of the DPoP key that a token is bound to (RFC 9449 6.1). Undefined if it is bound to none. */
export function thumbprintIn(cnf: unknown): string | undefined {
  const { jkt } = membersOf(cnf)
  return typeof jkt === 'string' ? jkt : undefined
}

/** Returns whether a token is bound to a TLS certificate, and to nothing else: `allow_unbound` is for such tokens. */
export function isCertificateBound(cnf: unknown): boolean {
  const members = membersOf(cnf)
  return typeof members[CERTIFICATE] === 'string' && !hasAny(members, ['jkt', ...UNCHECKED])
}

/**
 * Refuses a token that is bound to a key which the gate can't ask its sender for, or that isn't bound although the entry
 * requires it. Whether the sender has the key is checked for each request.
 *
 * @param cnf the claim of that name (RFC 7800 3)
 */
export function refuseConfirmation(cnf: unknown, { dpop, allow_unbound }: Issuer): TokenRefusal | undefined {
  const refuse = (reason: 'token_bound' | 'token_unbound') => new TokenRefusal(reason, { claim: 'cnf' })
  if (!isPresent(cnf)) return dpop === 'required' ? refuse('token_unbound') : undefined
  // Never one that is bound to a DPoP key (RFC 9449 7.2).
  if (allow_unbound === true && isCertificateBound(cnf)) return undefined
  // Nor one with a second key, of which its sender proves only the first.
  const isChecked = dpop !== undefined && thumbprintIn(cnf) !== undefined
  return isChecked && !hasAny(membersOf(cnf), [CERTIFICATE, ...UNCHECKED]) ? undefined : refuse('token_bound')
}

const hasAny = (members: Claims, names: readonly string[]): boolean =>
  names.some(name => isPresent(members[name]))

const membersOf = (cnf: unknown): Claims => (typeof cnf === 'object' && cnf !== null ? (cnf as Claims) : {})
