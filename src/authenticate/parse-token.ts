import * as base64url from 'jose/base64url'
import type { Claims } from './claim-value.ts'

/** The header and payload of a token, parsed but not verified: use them only to choose an issuer and a key. */
export interface UnverifiedToken {
  readonly header: Claims
  readonly payload: Claims
}

/** Longest token that is parsed, in characters. A token with some two hundred groups has 10,000. */
export const MAX_TOKEN = 16_384
/** Longest opaque token that an issuer is asked about, in characters. */
export const MAX_OPAQUE = 4_096
/** Deepest nesting of a token's JSON that is parsed. */
const MAX_JSON_DEPTH = 16

// RFC 7515 7.1 to the letter: three parts, no padding, no white space. A laxer reading would accept many spellings of
// one token. Five parts (RFC 7516) are an encrypted token, which is never decrypted. A header begins with its brace (`e`
// in base64url), as every header in use does; that distinguishes a token from a name in a path.
const COMPACT = /^(e[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/

// fatal: invalid UTF-8 must not be replaced, or it could turn into another subject's id. ignoreBOM: keeps the byte order
// mark, which JSON doesn't allow.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

// A token that was cut or damaged on the way still has this form.
const THREE_PARTS = /^([^.]*)\.[^.]*\.[^.]*$/

// White space of JSON (RFC 8259 2) may be before the brace.
const OBJECT = /^[ \t\n\r]*\{/

/**
 * Returns whether a token has the form of a JWS: its signature says what it is, so no server is asked about it. The gate
 * refuses many such tokens, but others accept them.
 */
export function isJwsForm(token: string): boolean {
  const header = THREE_PARTS.exec(token)?.[1]
  if (header === undefined) return false
  if (header.startsWith('e')) return true
  try {
    return OBJECT.test(new TextDecoder().decode(base64url.decode(header)))
  } catch {
    return false
  }
}

/** Parses a token within bounds. Undefined if the string is not a token. */
export function parseToken(token: string): UnverifiedToken | undefined {
  if (token.length > MAX_TOKEN) return undefined
  const match = COMPACT.exec(token)
  const header = decodeObject(match?.[1])
  const payload = decodeObject(match?.[2])
  return header && payload && { header, payload }
}

function decodeObject(encoded: string | undefined): Claims | undefined {
  if (encoded === undefined) return undefined
  try {
    return parseClaims(base64url.decode(encoded))
  } catch {
    return undefined
  }
}

/** Parses a JSON object within bounds. Undefined if it is not one. */
export function parseClaims(bytes: Uint8Array): Claims | undefined {
  try {
    const json = decoder.decode(bytes)
    if (!isShallow(json)) return undefined
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Claims)
      : undefined
  } catch {
    return undefined
  }
}

/** Counts the brackets outside of strings, before the parser recurses into them. */
function isShallow(json: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (inString) {
      if (character === '\\') i++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') {
      if (++depth > MAX_JSON_DEPTH) return false
    } else if (character === '}' || character === ']') depth--
  }
  return true
}
