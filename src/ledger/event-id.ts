let lastMoment = -1
let count = 0

/**
 * Creates a UUIDv7 (RFC 9562 5.7) for a moment in milliseconds since 1970. Ids sort by time. Ids that one process creates in
 * one millisecond sort in the order of their creation (6.2, method 1: a counter that starts anywhere in its lower half).
 */
export function eventId(now: number): string {
  // A UUIDv4: its variant and the bits after that stay as they are.
  const random = crypto.randomUUID()
  count = now === lastMoment ? Math.min(count + 1, 0xfff) : Number.parseInt(random.slice(15, 18), 16) & 0x7ff
  lastMoment = now
  return `${firstIdAt(now)}-7${count.toString(16).padStart(3, '0')}${random.slice(18)}`
}

/** Returns how ids begin that are of a moment in milliseconds since 1970. It sorts after all earlier ids. */
export function firstIdAt(moment: number): string {
  const time = Math.floor(moment).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}
