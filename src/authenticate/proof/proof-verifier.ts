import * as base64url from 'jose/base64url'
import type { Subject } from '../../authorize/subject.ts'
import { sha256 } from '../../base/bytes.ts'
import { rawPath } from '../../locate/locate.ts'
import { Refusal } from '../../refusal.ts'
import type { RequestContext, TokenFacts } from '../../request-context.ts'
import type { AcceptedToken } from '../claims.ts'
import { TokenRefusal } from '../token-refusal.ts'
import { UsedProofs } from './used-proofs.ts'
import { AHEAD, LIFETIME, verifyProof } from './verify-proof.ts'

/** Verifies that the sender of a token has the key that the token is bound to (RFC 9449 7.1). */
export class ProofVerifier {
  readonly #publicUrl: string
  readonly #used = new UsedProofs((LIFETIME + AHEAD) * 1000)

  /** @param publicUrl the origin of the gate, as clients know it. A proof names it, and `Host` is the caller's to choose */
  constructor(publicUrl: string) {
    this.#publicUrl = publicUrl
  }

  /**
   * Returns the subject of a token that a request presents with the scheme `DPoP`, if its proof is good and of the token's
   * key.
   *
   * @param presented the token as it came
   * @param token what the token itself was found to be
   * @throws Fault `proofs_full` if the gate can't know whether the proof was used before
   */
  async verifySender(
    presented: string,
    token: AcceptedToken | Refusal,
    { request, at }: Pick<RequestContext, 'request' | 'at'>,
  ): Promise<Subject | Refusal> {
    const { method, url } = request
    const publicUrl = this.#publicUrl + (rawPath(url) ?? '')
    const proof = await verifyProof(request.headers.get('dpop'), {
      method,
      url: publicUrl,
      token: presented,
      at,
    })
    // What is answered to a bad proof must not depend on the token: a thief without the key would learn that it is good.
    if (proof instanceof TokenRefusal) return proof.with(factsOf(token))
    if (token instanceof Refusal) return token
    const { subject, thumbprint } = token
    if (thumbprint === undefined) return new TokenRefusal('token_unbound', { claim: 'cnf', subject })
    if (thumbprint !== proof.thumbprint)
      return new TokenRefusal('token_key_mismatch', { claim: 'cnf', subject })
    // Remembered only now, or anyone could fill the memory with proofs of keys of their own.
    const digest = await sha256(JSON.stringify([thumbprint, proof.id, publicUrl]))
    const isNew = this.#used.use(base64url.encode(digest), at)
    return isNew ? subject : new TokenRefusal('proof_replayed', { claim: 'jti', subject })
  }
}

/** Returns what is known of a token whose proof is refused, without the claim that the token itself was refused for. */
function factsOf(token: AcceptedToken | Refusal): TokenFacts {
  if (!(token instanceof Refusal)) return { subject: token.subject }
  if (!(token instanceof TokenRefusal)) return {}
  const { claim: _, ...facts } = token.facts
  return facts
}
