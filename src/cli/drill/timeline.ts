/** What happened in a drill, by its own clock. */
export interface Step {
  /** Milliseconds since the first denial; negative before it. */
  readonly at: number
  readonly what: string
}

/** What a drill measured. Times in milliseconds; null if it did not happen within fifteen seconds. */
export interface DrillResult {
  readonly drill: string
  /** Whether everything happened in time, and the gate delivered no byte that it knew to be another patient's. */
  readonly passed: boolean
  /** Bytes of others' recordings that were delivered. Of `wrong-stamp` those that the stamp itself permitted. */
  readonly foreign_bytes: number
  readonly denial_to_finding_ms: number | null
  readonly denial_to_alert_ms: number | null
  readonly denial_to_systemic_ms: number | null
  readonly lockdown_to_refusal_ms: number | null
  readonly lockdown_to_last_byte_ms: number | null
  readonly timeline: readonly Step[]
}

/** How soon each must happen, in milliseconds. */
export const BOUNDS = { finding: 1_000, alert: 2_000, refusal: 2_000, lastByte: 2_000 } as const

/** What a drill of 2020 took, in minutes: from the first patient's tweet until all replays were off. */
const IN_2020 = 120

/** Notes what happens, by one clock. */
export class Timeline {
  readonly #steps: { readonly at: number; readonly what: string }[] = []
  #zero = performance.now()

  /** The time that others are counted from. */
  get zero(): number {
    return this.#zero
  }

  /** Has times count from now. */
  begin(): void {
    this.#zero = performance.now()
  }

  note(what: string, at: number = performance.now()): void {
    this.#steps.push({ at, what })
  }

  get steps(): readonly Step[] {
    return [...this.#steps]
      .sort((one, other) => one.at - other.at)
      .map(({ at, what }) => ({ at: Math.round(at - this.#zero), what }))
  }
}

/** Returns the time between two moments, rounded; null if one of them did not come. */
export const between = (from: number | undefined, to: number | undefined): number | null =>
  from === undefined || to === undefined ? null : Math.max(0, Math.round(to - from))

/** Returns whether a time was measured and is within its bound. */
export const isWithin = (time: number | null, bound: number): boolean => time !== null && time <= bound

/** Describes a result for people. */
export function describe(result: DrillResult): readonly string[] {
  const { timeline, passed, foreign_bytes, lockdown_to_last_byte_ms } = result
  const last = timeline.at(-1)?.at ?? 0
  const seconds = (last / 1000).toFixed(1)
  return [
    ...timeline.map(({ at, what }) => `${(at / 1000).toFixed(2).padStart(8)} s  ${what}`),
    '',
    `bytes of other patients' recordings delivered: ${foreign_bytes}`,
    ...times(result),
    '',
    `${passed ? 'PASSED' : 'FAILED'}: noticed and contained in ${seconds} s${lockdown_to_last_byte_ms === null ? '' : ', streams in flight included'}. In 2020 it took ${IN_2020} minutes, and a patient's tweet.`,
  ]
}

function times(result: DrillResult): readonly string[] {
  const row = (name: string, time: number | null, bound: number) =>
    `${name}: ${time === null ? 'did not happen' : `${time} ms`} (at most ${bound} ms)`
  return [
    row('first denial to finding', result.denial_to_finding_ms, BOUNDS.finding),
    row('first denial to alert', result.denial_to_alert_ms, BOUNDS.alert),
    row('lockdown to refusal', result.lockdown_to_refusal_ms, BOUNDS.refusal),
    row('lockdown to last byte in flight', result.lockdown_to_last_byte_ms, BOUNDS.lastByte),
  ]
}
