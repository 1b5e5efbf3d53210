import type { Binding } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import { authorize } from './authorize.ts'
import type { Permit, Principal } from './decision.ts'

/** A decision about a recording with all its parts. */
export interface WholeDecision {
  readonly decision: Permit | Refusal
  /** The binding that was decided on; null where there is no such recording. */
  readonly binding: Binding | null
}

/**
 * Decides whether a subject may play a recording as a whole, for what is good for all its parts: a ticket, a line in a
 * list. Every place where it has something must be the subject's; the first that is not decides.
 *
 * @param owners the owner of each of its objects
 */
export function authorizeWhole(subject: Principal, owners: readonly Binding[]): WholeDecision {
  let whole: WholeDecision = {
    decision: authorize({ subject, action: 'play', recording: null }),
    binding: null,
  }
  for (const binding of owners) {
    whole = { decision: authorize({ subject, action: 'play', recording: binding }), binding }
    if (whole.decision instanceof Refusal) return whole
  }
  return whole
}
