import { isCertificateBound, thumbprintIn } from '../authenticate/proof/confirmation.ts'
import { AHEAD, LIFETIME } from '../authenticate/proof/verify-proof.ts'
import { usesDpop } from '../http/credential.ts'
import type { Reason } from '../reason.ts'
import type { Advice, Advise, RefusedToken } from './refused-token.ts'
import { entryName, quoted } from './shown.ts'

/** Advice on tokens that are bound to a key of their sender, and on the proofs of that key (RFC 9449). */
export const SENDER_ADVICE: Readonly<Partial<Record<Reason, Advise>>> = {
  token_bound: adviseOnBound,
  token_unbound: ({ entry, request }) => {
    const isRequired = !usesDpop(request)
    return {
      found: `a token for ${entryName(entry)} is bound to no key, and ${isRequired ? '"dpop" is "required"' : 'came with the scheme DPoP'}`,
      fix: `have the app show its key to the provider when it gets the token, or ${isRequired ? 'set "dpop" to "accepted"' : 'send the token as Bearer'}`,
      variant: String(isRequired),
    }
  },
  token_key_mismatch: ({ entry }) => ({
    found: `a token for ${entryName(entry)} is bound to another key than that of its proof`,
    fix: 'have the app sign proofs with the key that it showed to the provider when it got the token',
  }),
  proof_missing: ({ entry }) => ({
    found: `a token for ${entryName(entry)} came with the scheme DPoP and without a proof`,
    fix: 'have the app send a proof in the header DPoP, and the proxies on the way pass it on',
  }),
  proof_invalid: adviseOnProof,
  proof_replayed: ({ entry }) => ({
    found: `a proof for a token for ${entryName(entry)} was used before`,
    fix: 'have the app sign a new proof for each request',
  }),
}

function adviseOnBound({ entry, isParsed, payload: { cnf } }: RefusedToken): Advice {
  const found = `a token for ${entryName(entry)} is bound to a key of its sender ("cnf"), and no proof of that key came`
  if (isCertificateBound(cnf)) {
    const fix = `set "allow_unbound" of ${entryName(entry)} if a stolen token may work too`
    return { found, fix, variant: 'certificate' }
  }
  // The gate keeps no "cnf" of an opaque token.
  if (isParsed && thumbprintIn(cnf) === undefined) {
    const fix = 'have the provider bind its tokens to a DPoP key alone ("jkt" in "cnf"), or to none'
    return { found, fix, variant: 'other' }
  }
  return entry?.dpop === undefined
    ? {
        found,
        fix: `set "dpop" of ${entryName(entry)} to "accepted", and have the app send proofs`,
        variant: 'dpop',
      }
    : {
        found,
        fix: 'have the app send it with the scheme DPoP and a proof, and not as Bearer',
        variant: 'bearer',
      }
}

function adviseOnProof({ entry, facts: { claim } }: RefusedToken): Advice {
  const found = `the proof that came with a token for ${entryName(entry)}`
  switch (claim) {
    case undefined:
      return {
        found: `${found} is not one, or its signature is not good`,
        fix: 'have the app make it as RFC 9449 says',
      }
    case 'htu':
      return {
        found: `${found} is for another URL ("htu")`,
        fix: 'check that PUBLIC_URL is the origin that the app calls, and that no proxy changes the path',
      }
    case 'iat':
      return {
        found: `${found} was not made within the last ${LIFETIME} s ("iat")`,
        fix: `set the clocks of this machine and of the app: theirs may be ${AHEAD} s ahead`,
      }
    default:
      return {
        found: `${found} has a wrong ${quoted(claim)}`,
        fix: 'have the app make it as RFC 9449 says, for this request and this token',
      }
  }
}
