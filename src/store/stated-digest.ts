import { type Refused, refused } from '../refusal.ts'

// A dictionary of byte sequences (RFC 9651 3.2, 3.3.5), as RFC 9530 2 and 3 have it: sha-256=:BASE64=:. Parameters mean
// nothing yet, and are passed over.
const MEMBER =
  /[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=[^\s,;]+)?)*[ \t]*(?:,|$)/y
/** Bytes of a SHA-256. */
const LENGTH = 32

/**
 * The SHA-256 that a body must have, hexadecimal, as `Content-Digest` or `Repr-Digest` say (RFC 9530). Undefined where
 * they name none; other algorithms are not looked at. A digest that can't be read is not passed over: whoever sends one
 * takes what is stored for verified.
 */
export function statedDigest(headers: Headers): string | undefined | Refused {
  const digests = new Set<string>()
  for (const name of ['Content-Digest', 'Repr-Digest']) {
    const header = headers.get(name)
    if (header === null) continue
    const read = sha256In(header)
    if (read === undefined) {
      return refused(
        'upload_invalid',
        `${name} can't be read: it must be like sha-256=:BASE64:, with the 32 bytes of a SHA-256 (RFC 9530)`,
      )
    }
    for (const digest of read) digests.add(digest)
  }
  if (digests.size > 1) {
    return refused('upload_invalid', 'Content-Digest and Repr-Digest name two sha-256 digests that differ')
  }
  return digests.values().next().value
}

/** @returns undefined where the header is malformed */
function sha256In(header: string): readonly string[] | undefined {
  const found: string[] = []
  MEMBER.lastIndex = 0
  while (MEMBER.lastIndex < header.length) {
    const [member, algorithm, base64 = ''] = MEMBER.exec(header) ?? []
    // A comma at the end promises another member.
    if (member === undefined || (member.endsWith(',') && MEMBER.lastIndex === header.length)) return undefined
    const bytes = decoded(base64)
    if (bytes === undefined) return undefined
    if (algorithm !== 'sha-256') continue
    if (bytes.length !== LENGTH) return undefined
    found.push(Array.from(bytes, byte => byte.charCodeAt(0).toString(16).padStart(2, '0')).join(''))
  }
  return header === '' ? undefined : found
}

function decoded(base64: string): string | undefined {
  try {
    return atob(base64)
  } catch {
    return undefined
  }
}
