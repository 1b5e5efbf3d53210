import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import type { TokenFacts } from '../request-context.ts'

/** Refuses a token, and says what its record may say of it. */
export class TokenRefusal extends Refusal {
  readonly facts: TokenFacts

  constructor(reason: Reason, facts: TokenFacts) {
    super(reason)
    this.facts = facts
  }

  /** Returns the same refusal with more facts. */
  with(facts: TokenFacts): TokenRefusal {
    return new TokenRefusal(this.reason, { ...facts, ...this.facts })
  }
}

/** Refuses a token that lacks a claim which the gate needs. */
export const claimMissing = (claim: string): TokenRefusal =>
  new TokenRefusal('token_claim_missing', { claim })
