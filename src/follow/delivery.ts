import type { ReadEntry } from '../ledger/ledger.ts'

/**
 * Why records were not taken: the receiver can't take any now (`unavailable`), it never will until the operator changes
 * something (`misconfigured`), it wants none with this content (`refused`), or, of a single record, it must not be given it again
 * (`rejected`).
 */
export type FailureKind = 'unavailable' | 'misconfigured' | 'refused' | 'rejected'

/** A receiver did not take records. The message is for the operator, and contains no secret and nothing of a record. */
export class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure'
  readonly kind: FailureKind
  /** How long the receiver asks not to be called, in milliseconds. */
  readonly pause: number

  constructor(kind: FailureKind, message: string, pause = 0) {
    super(message)
    this.kind = kind
    this.pause = pause
  }
}

/** What became of each record, in the order of the records: undefined if it was taken, `later` if it was not handed over yet. */
export type Outcomes = readonly (DeliveryFailure | 'later' | undefined)[]

/**
 * Port: what a follower hands records over to.
 *
 * `select` returns a record as the receiver may see it, or undefined if it is not for it. `deliver` resolves to what became
 * of each record, and throws a {@link DeliveryFailure} if that is the same for all. It is given the records in order, and each
 * at least once: one that it has taken may come again.
 */
export interface Receiver {
  readonly name: string
  /** Most records in one call. */
  readonly most: number
  /** How long records are collected before they are handed over, in milliseconds. */
  readonly collect: number
  select(entry: ReadEntry): ReadEntry | undefined
  deliver(entries: readonly ReadEntry[]): Promise<Outcomes>
}

/** Of an unavailable receiver: the first pause, and the longest, in milliseconds. */
const PAUSES = { first: 1_000, longest: 300_000 }
/** Of a receiver that the operator must do something about, in milliseconds. */
const SLOW = 600_000
/** The longest pause that a receiver may ask for, in milliseconds. */
const MAX_ASKED = 6 * 3_600_000

/**
 * Returns how long to wait after a failure, in milliseconds: exponential backoff with full jitter, so that the sinks of many
 * gates don't come back together. Never less than the receiver asked for.
 *
 * @param failures how often it has failed in a row, this time included
 */
export function pauseAfter({ kind, pause }: DeliveryFailure, failures: number, random: () => number): number {
  const asked = Math.min(pause, MAX_ASKED)
  const ceiling = Math.min(PAUSES.first * 2 ** Math.min(failures, 20), PAUSES.longest)
  const own = kind === 'misconfigured' && failures > 3 ? SLOW * (0.5 + random() / 2) : ceiling * random()
  return Math.max(asked + own, 100)
}
