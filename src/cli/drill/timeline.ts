/** What happened in a drill, by its own clock. */
export interface Step {
  /** Milliseconds since the first denial; negative before it. */
  readonly at: number
  readonly what: string
}

/** What a drill measured. Times in milliseconds; null if it did not happen within fifteen seconds. */
export interface Measured {
  /** Bytes of others' recordings that were delivered. Of `wrong-stamp` those that the stamp itself permitted. */
  readonly foreign_bytes: number
  readonly denial_to_finding_ms: number | null
  readonly denial_to_alert_ms: number | null
  readonly denial_to_systemic_ms: number | null
  readonly lockdown_to_refusal_ms: number | null
  readonly lockdown_to_last_byte_ms: number | null
}

/** What came of a drill. */
export interface DrillResult extends Measured {
  readonly drill: string
  /** Whether everything happened in time, and the gate delivered no byte that it knew to be another patient's. */
  readonly passed: boolean
  /** What did not happen, or not in time: each in a few words. */
  readonly failures: readonly string[]
  readonly timeline: readonly Step[]
}

/** How soon each must happen, in milliseconds. */
const BOUNDS = { finding: 1_000, alert: 2_000, refusal: 2_000, lastByte: 2_000 } as const

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

/** Describes a result for people. */
export function describe(result: DrillResult): readonly string[] {
  const { timeline, passed, failures, foreign_bytes, lockdown_to_last_byte_ms } = result
  const seconds = ((timeline.at(-1)?.at ?? 0) / 1000).toFixed(1)
  const streams = lockdown_to_last_byte_ms === null ? '' : ', streams in flight included'
  return [
    ...timeline.map(({ at, what }) => `${(at / 1000).toFixed(2).padStart(8)} s  ${what}`),
    '',
    `bytes of other patients' recordings delivered: ${foreign_bytes}`,
    ...boundsOf(result).map(([name, time, bound]) => `${name}: ${shown(time)} (at most ${bound} ms)`),
    '',
    passed
      ? `PASSED: noticed and contained in ${seconds} s${streams}. In 2020 it took ${IN_2020} minutes, and a patient's tweet.`
      : `FAILED: ${failures.join('; ')}.`,
  ]
}

/** Says which times were not measured, or were too long. */
export function failuresOf(measured: Measured): readonly string[] {
  return boundsOf(measured)
    .filter(([, time, bound]) => time === null || time > bound)
    .map(
      ([name, time, bound]) =>
        `${name} ${time === null ? 'did not happen' : `took ${time} ms, and may take ${bound} ms`}`,
    )
}

const shown = (time: number | null): string => (time === null ? 'did not happen' : `${time} ms`)

type Bounded = readonly [name: string, time: number | null, bound: number]

function boundsOf(measured: Measured): readonly Bounded[] {
  return [
    ['first denial to finding', measured.denial_to_finding_ms, BOUNDS.finding],
    ['first denial to alert', measured.denial_to_alert_ms, BOUNDS.alert],
    ['lockdown to refusal', measured.lockdown_to_refusal_ms, BOUNDS.refusal],
    ['lockdown to last byte in flight', measured.lockdown_to_last_byte_ms, BOUNDS.lastByte],
  ]
}
