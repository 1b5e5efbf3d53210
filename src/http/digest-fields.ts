import { parseDictionary } from 'structured-headers'
import { hexOf } from '../base/hex.ts'
import { Refusal } from '../refusal.ts'

/** Bytes of a SHA-256. */
const LENGTH = 32

/**
 * The SHA-256 that a body must have, hexadecimal, as `Content-Digest` or `Repr-Digest` say (RFC 9530 2 and 3, RFC 9651
 * 3.2). Undefined where they name none; other algorithms are not looked at. A digest that can't be read is not passed
 * over: whoever sends one takes what is stored for verified.
 */
export function digestFields(headers: Headers): string | undefined | Refusal {
  const digests = new Set<string>()
  for (const name of ['Content-Digest', 'Repr-Digest']) {
    const header = headers.get(name)
    if (header === null) continue
    const digest = sha256In(header)
    if (digest === null) {
      return new Refusal(
        'upload_invalid',
        `${name} can't be read: it must be like sha-256=:BASE64:, with the 32 bytes of a SHA-256 (RFC 9530)`,
      )
    }
    if (digest !== undefined) digests.add(digest)
  }
  if (digests.size > 1) {
    return new Refusal(
      'upload_invalid',
      'Content-Digest and Repr-Digest name two sha-256 digests that differ',
    )
  }
  return digests.values().next().value
}

/** A digest of the whole that nobody looks at would be taken for verified: in pieces there is none to look at. */
export function refuseWholeDigest(headers: Headers): Refusal | undefined {
  return headers.has('repr-digest')
    ? new Refusal(
        'upload_invalid',
        'Repr-Digest is not verified in pieces: send Content-Digest with each piece',
      )
    : undefined
}

/** @returns undefined where the header names none, null where it is malformed */
function sha256In(header: string): string | null | undefined {
  try {
    const digests = parseDictionary(header)
    // RFC 9530 2: every member is a byte sequence.
    const [digest] = digests.get('sha-256') ?? []
    if (digests.size === 0) return null
    if (digest === undefined) return undefined
    return digest instanceof ArrayBuffer && digest.byteLength === LENGTH
      ? hexOf(new Uint8Array(digest))
      : null
  } catch {
    return null
  }
}
