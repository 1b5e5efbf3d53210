import { hexOf } from '../base/bytes.ts'

let lastMoment = -1
let count = 0

/**
 * Creates a UUIDv7 (RFC 9562 5.7) for a moment in milliseconds since 1970. Ids sort by time. Ids that one process creates in
 * one millisecond sort in the order of their creation (6.2, method 1: a counter that starts anywhere in its lower half).
 */
export function eventId(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const view = new DataView(bytes.buffer)
  count = now === lastMoment ? Math.min(count + 1, 0xfff) : view.getUint16(6) & 0x7ff
  lastMoment = now
  view.setUint16(0, Math.floor(now / 2 ** 32))
  view.setUint32(2, now % 2 ** 32)
  view.setUint16(6, 0x7000 | count)
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  const hex = hexOf(bytes)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
