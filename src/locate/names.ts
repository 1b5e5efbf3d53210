/** Longest id of a recording, in characters. */
export const MAX_RECORDING_ID = 128
/** Longest segment of a part's name. With the suffix of a folder store it still fits a file name of 255 bytes. */
export const MAX_SEGMENT = 200
/** Longest name of a part, in characters. With an id and a prefix it fits the 1,024 bytes of a key in S3 and R2. */
export const MAX_PART = 768
/** Most segments of a part's name. */
const MAX_SEGMENTS = 8

// Nothing is ever decoded, so no name contains `%`. No name begins with a dot, so dot segments, hidden files and the
// gate's own objects can't be named.
const RECORDING_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/
const NOT_IN_AN_ID = /[^A-Za-z0-9._-]/u
const PART_SEGMENT = `[A-Za-z0-9_=+:@-][A-Za-z0-9._=+:@-]{0,${MAX_SEGMENT - 1}}`
const PART = new RegExp(`^${PART_SEGMENT}(?:/${PART_SEGMENT}){0,${MAX_SEGMENTS - 1}}$`)
const NOT_IN_A_SEGMENT = /[^A-Za-z0-9._=+:@-]/u

/**
 * Base64url that can begin a JSON object (`{`, then `"` or white space), if two dots follow it as in a token's compact
 * form.
 */
const TOKEN_HEADER = /(?<![A-Za-z0-9_-])e[wy][A-Za-z0-9_-]*(?=\.[A-Za-z0-9_-]*\.)/g
const TOKEN_IN_PATH = 'The path contains a token. Send it in the Authorization header'

/** Returns whether a string is a valid id of a recording. */
export function isRecording(id: string): boolean {
  return flawOfRecording(id) === undefined
}

/** Returns whether a string is a valid name of a part. */
export function isPart(name: string): boolean {
  return flawOfPart(name) === undefined
}

/**
 * Says why a string isn't a valid id of a recording: 1 to 128 letters, digits, `.`, `_` and `-`, a letter or digit first
 * and last, no `..`, no token. Repeats at most one character of it.
 *
 * @returns undefined if the id is valid
 */
export function flawOfRecording(id: string): string | undefined {
  if (id.length > MAX_RECORDING_ID) {
    return `A recording's id has at most ${MAX_RECORDING_ID} characters. This one has ${id.length}`
  }
  if (containsToken(id)) return TOKEN_IN_PATH
  if (RECORDING_ID.test(id) && !id.includes('..')) return undefined
  if (id === '') return "The path names no recording: a recording's id is missing"
  const odd = NOT_IN_AN_ID.exec(id)?.[0]
  if (odd !== undefined) {
    return `A recording's id can't contain ${shown(odd)}. It may contain letters, digits, ".", "_" and "-"`
  }
  return id.includes('..')
    ? 'A recording\'s id can\'t contain ".."'
    : `A recording's id must begin and end with a letter or digit, not with "${/^[._-]/.exec(id) ?? id.at(-1)}"`
}

/**
 * Says why a string isn't a valid name of a part: 1 to 8 segments of 1 to 200 letters, digits and `._=+:@-`, separated by
 * `/`, at most 768 characters in total; no segment begins with a dot, and none contains a token. Repeats at most one
 * character of it.
 *
 * @returns undefined if the name is valid
 */
export function flawOfPart(name: string): string | undefined {
  if (name.length > MAX_PART) {
    return `A part's name has at most ${MAX_PART} characters. This one has ${name.length}`
  }
  if (containsToken(name)) return TOKEN_IN_PATH
  return PART.test(name) ? undefined : flawOfSegments(name.split('/'))
}

/** Says what is wrong with segments that are known to be invalid. */
function flawOfSegments(segments: readonly string[]): string {
  for (const segment of segments) {
    if (segment === '') return 'A part\'s name can\'t begin or end with "/", and can\'t contain "//"'
    const odd = NOT_IN_A_SEGMENT.exec(segment)?.[0]
    if (odd !== undefined) {
      return `A part's name can't contain ${shown(odd)}. It may contain letters, digits, ".", "_", "-", "=", "+", ":", "@" and "/"`
    }
    if (segment.startsWith('.')) return 'A segment of a part\'s name can\'t begin with "."'
    if (segment.length > MAX_SEGMENT) {
      return `A segment of a part's name has at most ${MAX_SEGMENT} characters. One has ${segment.length}`
    }
  }
  return `A part's name has at most ${MAX_SEGMENTS} segments. This one has ${segments.length}`
}

/**
 * Returns whether a name contains a JWS or JWE (RFC 7515 7.1, RFC 7516 7.1), whatever surrounds it. The log holds names as
 * they were sent, so a token must not pass as a name. Our own tickets have another form and are longer than a segment.
 */
export function containsToken(name: string): boolean {
  // Nearly every name stops here.
  if (name.indexOf('.') === name.lastIndexOf('.') || !/e[wy]/.test(name)) return false
  // A token may also follow a `-` or `_`, which the pattern takes for base64url of the token itself.
  return [name, name.replace(/[_-](?=e[wy])/g, ' ')].some(candidate =>
    candidate.match(TOKEN_HEADER)?.some(header => /^\{\s*"/.test(decodedStart(header))),
  )
}

/** Decodes the first bytes of base64url. */
function decodedStart(base64url: string): string {
  const length = Math.min(base64url.length, 64)
  // A single character after whole groups of four encodes no byte.
  return atob(
    base64url
      .slice(0, length % 4 === 1 ? length - 1 : length)
      .replaceAll('-', '+')
      .replaceAll('_', '/'),
  )
}

/** Shows one character: in quotes if it is visible ASCII, otherwise as its code point. */
function shown(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /^[!-~]$/.test(character) ? JSON.stringify(character) : `U+${code}`
}
