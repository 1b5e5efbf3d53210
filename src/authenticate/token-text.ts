/** A token's header and payload, parsed and not yet verified: good for choosing an issuer and a key, for nothing else. */
export interface Unverified {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
}

/** Longest token that is parsed. Common servers take no longer header line either. */
export const MAX_TOKEN = 8192
/** Deepest nesting of a token's JSON that is parsed. */
const MAX_DEPTH = 16

// RFC 7515 7.1 to the letter: three parts, no padding, no white space. A laxer reading would give one token many
// texts. Five parts (RFC 7516) are an encrypted token, which is never decrypted. A header begins with its brace (`e` in
// base64url), as everybody's does: by that a token is told from a name in a path.
const COMPACT = /^(e[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/

// fatal: bytes that are no UTF-8 must not fold into another subject's id. ignoreBOM keeps the mark, and JSON has none.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Parses a token's text within bounds, or undefined where it is none. */
export function parseToken(token: string): Unverified | undefined {
  if (token.length > MAX_TOKEN) return undefined
  const match = COMPACT.exec(token)
  const header = parseObject(match?.[1])
  const payload = parseObject(match?.[2])
  return header && payload && { header, payload }
}

function parseObject(base64url: string | undefined): Record<string, unknown> | undefined {
  if (base64url === undefined) return undefined
  try {
    const text = decoder.decode(bytesOf(base64url))
    if (!isShallow(text)) return undefined
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function bytesOf(base64url: string): Uint8Array {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, character => character.charCodeAt(0))
}

/** Counts brackets outside of texts, before the parser recurses into them. */
function isShallow(json: string): boolean {
  let depth = 0
  let inText = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (inText) {
      if (character === '\\') i++
      else if (character === '"') inText = false
    } else if (character === '"') inText = true
    else if (character === '{' || character === '[') {
      if (++depth > MAX_DEPTH) return false
    } else if (character === '}' || character === ']') depth--
  }
  return true
}
