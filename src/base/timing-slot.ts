/**
 * Refusals by policy leave on a beat of so many milliseconds since the request came. A recording that isn't there is a
 * little faster to refuse than one that isn't yours; on the beat both take the same.
 */
const BEAT = 25
/**
 * So many beats for one that is counted. Most need no store, but the first of another reason is recorded: on this beat
 * both take the same. A caller in a loop can wait.
 */
export const COUNTED_BEATS = 4

/** How long until the next beat, in milliseconds; `beats` of them are one then. */
export function untilBeat(elapsed: number, beats = 1): number {
  const beat = BEAT * beats
  return beat - (elapsed % beat)
}

/** How long one that is counted may be worked on, in milliseconds, and still leave on its next beat, on a busy machine too. */
export function roomOnBeat(elapsed: number): number {
  return Math.max(0, untilBeat(elapsed, COUNTED_BEATS) - BEAT)
}
