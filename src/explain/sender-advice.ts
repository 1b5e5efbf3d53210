import { isCertificateBound, thumbprintIn } from '../authenticate/proof/confirmation.ts'
import { AHEAD, LIFETIME } from '../authenticate/proof/verify-proof.ts'
import { usesDpop } from '../http/credential.ts'
import type { Reason } from '../reason.ts'
import type { Advice, Advise, RefusedToken } from './refused-token.ts'
import { quoted } from './shown.ts'

/** Advice on tokens that are bound to a key of their sender, and on the proofs of that key (RFC 9449). */
export const SENDER_ADVICE: Readonly<Partial<Record<Reason, Advise>>> = {
  token_bound: adviseOnBound,
  token_unbound: ({ request }) => {
    const [why, otherwise] = usesDpop(request)
      ? ['came with the scheme DPoP', 'send the token as Bearer']
      : ['"dpop" is "required"', 'set "dpop" to "accepted"']
    return [
      `a token is bound to no key, and ${why}`,
      `have the app show its key when it gets the token, or ${otherwise}`,
    ]
  },
  token_key_mismatch: [
    'a token is bound to another key than that of its proof',
    'have the app sign proofs with the key that it showed when it got the token',
  ],
  proof_missing: [
    'a token came with the scheme DPoP and without a proof',
    'have the app send the header DPoP, and proxies on the way pass it on',
  ],
  proof_invalid: adviseOnProof,
  proof_replayed: ['the proof of a token was used before', 'have the app sign a new proof for each request'],
}

function adviseOnBound({ entry, isParsed, payload: { cnf } }: RefusedToken): Advice {
  return [
    'a token is bound to a key ("cnf"), and no proof of it came',
    isCertificateBound(cnf)
      ? 'set "allow_unbound" if a stolen token may work too'
      : // The gate keeps no "cnf" of an opaque token.
        isParsed && thumbprintIn(cnf) === undefined
        ? 'have the provider bind tokens to a DPoP key alone ("jkt" in "cnf"), or to none'
        : entry?.dpop === undefined
          ? 'set "dpop" to "accepted", and have the app send proofs'
          : 'have the app send it with the scheme DPoP and a proof',
  ]
}

function adviseOnProof({ facts: { claim } }: RefusedToken): Advice {
  const [found, fix] = PROOF_ADVICE[claim ?? ''] ?? [`has a wrong ${quoted(claim ?? '')}`]
  return [
    `the proof of a token ${found}`,
    fix ?? 'have the app make it as RFC 9449 says, for this request and token',
  ]
}

const PROOF_ADVICE: Readonly<Record<string, readonly [found: string, fix?: string]>> = {
  '': ['is not one, or its signature is not good'],
  htu: [
    'is for another URL ("htu")',
    'check that PUBLIC_URL is the origin that the app calls, and that proxies keep the path',
  ],
  iat: [
    `was not made within the last ${LIFETIME} s ("iat")`,
    `set the clocks of this machine and of the app: theirs may be ${AHEAD} s ahead`,
  ],
}
