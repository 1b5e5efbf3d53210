import { parseDictionary } from 'structured-headers'
import { hexOf } from '../base/bytes.ts'
import { Refusal } from '../refusal.ts'

/** Bytes of a SHA-256. */
const LENGTH = 32

/**
 * Returns the SHA-256 that a body must have, in hexadecimal, by `Content-Digest` or `Repr-Digest` (RFC 9530 2 and 3, RFC
 * 9651 3.2). Undefined if they name none; other algorithms are ignored. A digest that can't be parsed is refused, not
 * ignored: a client that sends one relies on it to be verified.
 */
export function digestFields(headers: Headers): string | undefined | Refusal {
  const digests = new Set<string>()
  for (const name of ['Content-Digest', 'Repr-Digest']) {
    const header = headers.get(name)
    const digest = header === null ? undefined : sha256In(header, name)
    if (digest instanceof Refusal) return digest
    if (digest !== undefined) digests.add(digest)
  }
  const [digest, other] = digests
  return other === undefined
    ? digest
    : new Refusal('upload_invalid', 'Content-Digest and Repr-Digest name two sha-256 digests that differ')
}

/** Refuses a digest of the whole if only a piece is sent: the gate can't verify it, and the client would rely on it. */
export function refuseWholeDigest(headers: Headers): Refusal | undefined {
  return headers.has('repr-digest')
    ? new Refusal(
        'upload_invalid',
        'Repr-Digest is not verified in pieces: send Content-Digest with each piece',
      )
    : undefined
}

/** Reads one header. Undefined if it names only other algorithms. */
function sha256In(header: string, name: string): string | undefined | Refusal {
  try {
    const digests = parseDictionary(header)
    // RFC 9530 2: every member is a byte sequence.
    const [digest] = digests.get('sha-256') ?? []
    if (digest === undefined && digests.size > 0) return undefined
    if (digest instanceof ArrayBuffer && digest.byteLength === LENGTH) return hexOf(new Uint8Array(digest))
  } catch {
    // Malformed, like a digest of another length.
  }
  return new Refusal(
    'upload_invalid',
    `${name} is malformed: it must be like sha-256=:BASE64:, with the 32 bytes of a SHA-256 (RFC 9530)`,
  )
}
