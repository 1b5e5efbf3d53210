import { UsageError } from '../terminal.ts'

/** A date of ISO 8601, or a date and a time. `Date` reads much else as a time: 5 as May 2001. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/
/** The units of a duration, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }

/**
 * Reads a time as the console's API takes it, or how long ago it was.
 *
 * @param option as in `--since`
 * @param isAhead whether a duration is how long it is until then
 * @throws UsageError
 */
export function readTime(option: string, time: string, isAhead = false): string {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(time) ?? []
  const away = Number(count) * (UNITS[unit] ?? Number.NaN)
  const date = new Date(ISO_TIME.test(time) ? time : Date.now() + (isAhead ? away : -away))
  if (Number.isNaN(date.getTime())) {
    throw new UsageError(
      `${option} ${time} is not a time`,
      'write it as 2026-11-22T10:00:00Z, or as 15m, 2h, 3d',
    )
  }
  return date.toISOString()
}
