import type { Refusal } from '../refusal.ts'
import { invalidUpload } from './deposit.ts'

/** Most bytes of a part: 5 TiB, as with S3. */
export const MAX_SIZE: number = 5 * 2 ** 40
/** Most pieces of a part, as with S3 and R2. */
export const MAX_PIECES = 10_000
const MIB = 2 ** 20

/**
 * Bytes of every piece but the last: 8 MiB, or more in whole MiB if that would be over 10,000 pieces. It follows from
 * the size alone, so that every request finds the same; R2 takes no pieces of several sizes.
 */
export function pieceSizeOf(size: number): number {
  return Math.max(8, Math.ceil(size / MAX_PIECES / MIB)) * MIB
}

/** Returns whether a number can be the size of a part that comes in pieces. */
export function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && (size as number) > 0 && (size as number) <= MAX_SIZE
}

/** Returns whether an upload or a piece can have this name: one that a store gave it, and a header field can carry. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}
const NAME = /^[\x21-\x7e]{1,1024}$/

const CONTENT_RANGE = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/i

/** Reads from a `Content-Range` which piece a body is (RFC 9110 14.4). */
export function parsePieceRange(
  header: string,
): { readonly number: number; readonly length: number } | Refusal {
  const [first = Number.NaN, last = Number.NaN, size] = (CONTENT_RANGE.exec(header) ?? [])
    .slice(1)
    .map(Number)
  if (!isSize(size)) {
    return invalidUpload('Content-Range must be like bytes FIRST-LAST/SIZE, of at most 5 TiB')
  }
  const pieceSize = pieceSizeOf(size)
  if (first % pieceSize !== 0 || last !== Math.min(first + pieceSize, size) - 1 || first > last) {
    return invalidUpload(
      `Content-Range must be one piece: of ${size} bytes, each has ${pieceSize}, and the last has the rest`,
    )
  }
  return { number: first / pieceSize + 1, length: last - first + 1 }
}
