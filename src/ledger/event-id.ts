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
  const time = Math.floor(now).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}${random.slice(18)}`
}
