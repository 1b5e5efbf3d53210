import type { WaitUntil } from '../../base/timeout.ts'

/** How many calls there may be. */
export interface CallLimits {
  /** Most calls under way. */
  readonly underWay: number
  /** Most calls that begin within a second. */
  readonly perSecond: number
  /** The share of both that calls for tokens which were never active may take. */
  readonly forStrangers: number
  /** How long a call may be under way, in milliseconds. After that it was cut off, and never ends. */
  readonly timeout: number
}

/** A call that is under way, or was cut off with the request that began it. */
interface Call<Outcome> {
  readonly begun: number
  /** Never rejects. */
  readonly over: Promise<Outcome>
}

const SECOND = 1_000

/**
 * The calls of one gate. Every string that a caller sends may cost one, so they are limited: above the limits a call is
 * not queued but refused. Requests that need the same call share it.
 *
 * A part of the limits is kept for tokens that were active before, so that a flood of made-up ones doesn't end the
 * sessions of viewers.
 */
export class Calls<Outcome> {
  readonly #limits: CallLimits
  readonly #underWay = new Map<string, Call<Outcome>>()
  /** When the last calls began. */
  #begun: readonly number[] = []

  constructor(limits: CallLimits) {
    this.#limits = limits
  }

  /**
   * Returns the call for a key: the one under way, or else one that `work` begins. Undefined if that would be one too
   * many.
   *
   * @param isKnown whether the call is for a token that was active before
   * @param work never rejects
   */
  join(
    { key, isKnown, work }: { key: string; isKnown: boolean; work: () => Promise<Outcome> },
    now: number,
    waitUntil: WaitUntil,
  ): Promise<Outcome> | undefined {
    this.#forgetCutOff(now)
    const known = this.#underWay.get(key)
    if (known !== undefined) return known.over
    if (!this.#mayBegin(isKnown, now)) return undefined
    const over = work().finally(() => {
      if (this.#underWay.get(key) === call) this.#underWay.delete(key)
    })
    const call: Call<Outcome> = { begun: now, over }
    this.#underWay.set(key, call)
    this.#begun = [...this.#begun, now].slice(-this.#limits.perSecond)
    waitUntil(over)
    return over
  }

  #mayBegin(isKnown: boolean, now: number): boolean {
    const { underWay, perSecond, forStrangers } = this.#limits
    const share = isKnown ? 1 : forStrangers
    // Only counted: a request that was late must not have the others forgotten.
    const inSecond = this.#begun.filter(begun => isWithin(SECOND, begun, now)).length
    return this.#underWay.size < Math.floor(share * underWay) && inSecond < Math.floor(share * perSecond)
  }

  /** On Workers, the promise of a call never settles if the request that began it was cut off. */
  #forgetCutOff(now: number): void {
    for (const [key, { begun }] of this.#underWay) {
      if (!isWithin(this.#limits.timeout, begun, now)) this.#underWay.delete(key)
    }
  }
}

/** Returns whether two times are close. If the clock was set back, an earlier time is far, not in the future. */
const isWithin = (milliseconds: number, one: number, other: number): boolean =>
  Math.abs(other - one) < milliseconds
