import { decodeBase64, hexOf } from '../base/bytes.ts'
import { Refusal } from '../refusal.ts'

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

// A member of a Dictionary up to the next one: a Byte Sequence under its key, as each digest is (RFC 9530 2). Parameters, of which
// there are none yet, are a key with nothing, a plain token or an integer.
const MEMBER =
  /([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:[a-z][a-z0-9]*|[0-9]{1,15}))?)*[ \t]*(?:,[ \t]*(?!$)|$)/y

/** The 32 bytes of a SHA-256, whose padding may be left out (RFC 9651 4.2.7). */
const SHA_256 = /^([A-Za-z0-9+/]{43})=?$/

/** Reads one header. Undefined if it names only other algorithms. */
function sha256In(header: string, name: string): string | undefined | Refusal {
  const digests = digestsIn(header)
  if (digests.size > 0 && !digests.has('sha-256')) return undefined
  const [, digest] = SHA_256.exec(digests.get('sha-256') ?? '') ?? []
  return digest === undefined
    ? new Refusal(
        'upload_invalid',
        `${name} is malformed: it must be like sha-256=:BASE64:, with the 32 bytes of a SHA-256 (RFC 9530)`,
      )
    : hexOf(decodeBase64(digest))
}

/** Returns digests by their algorithms, of two the last (RFC 9651 4.2.2). None if the header is malformed. */
function digestsIn(header: string): ReadonlyMap<string, string> {
  const digests = new Map<string, string>()
  for (MEMBER.lastIndex = 0; MEMBER.lastIndex < header.length; ) {
    const [, algorithm, base64] = MEMBER.exec(header) ?? []
    if (algorithm === undefined || base64 === undefined) return new Map()
    digests.set(algorithm, base64)
  }
  return digests
}
