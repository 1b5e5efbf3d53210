/** How often a request is sent at most. */
export const TRIES = 5

/** The longest pause that a gate may ask for, in milliseconds. */
const LONGEST = 600_000

/** Answers that say "later" (RFC 9110 15.5.9 and 15.6, RFC 6585 4). */
export function isForLater(status: number): boolean {
  return [408, 429, 502, 503, 504].includes(status)
}

/**
 * How long to wait before a request is sent again, in milliseconds; undefined where it is not to be sent again.
 *
 * @param tries how often it was sent
 * @param retryAfter the header of that name: seconds, or a date (RFC 9110 10.2.3)
 * @param random from 0 to 1: many that were turned away at once don't come back at once
 */
export function pauseBefore(
  tries: number,
  retryAfter: string | null,
  now: number,
  random: number,
): number | undefined {
  if (tries >= TRIES) return undefined
  const asked = askedFor(retryAfter, now)
  if (asked > LONGEST) return undefined
  const own = 500 * 2 ** (tries - 1)
  return Math.round(Math.max(asked, own / 2) + (own / 2) * random)
}

function askedFor(retryAfter: string | null, now: number): number {
  if (retryAfter === null) return 0
  if (/^\d{1,12}$/.test(retryAfter)) return Number(retryAfter) * 1000
  return Math.max(0, (Date.parse(retryAfter) || 0) - now)
}
