/** The longest id of a recording, in characters. */
export const MAX_ID = 128
/** The longest segment of a part's name: with what a folder store appends, a file name of 255 bytes holds it. */
export const MAX_SEGMENT = 200
/** The longest name of a part, in characters. With an id and a prefix it fits the 1,024 bytes of a key in S3 and R2. */
export const MAX_PART = 768
/** Most segments of a part's name. */
const MAX_SEGMENTS = 8

// Nothing is ever decoded, so `%` is in no name. No name begins with a dot: dot segments, hidden files and what the gate
// keeps for itself can't be named.
const ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/
const NOT_IN_AN_ID = /[^A-Za-z0-9._-]/u
const SEGMENT = `[A-Za-z0-9_=+:@-][A-Za-z0-9._=+:@-]{0,${MAX_SEGMENT - 1}}`
const PART = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,${MAX_SEGMENTS - 1}}$`)
const NOT_IN_A_SEGMENT = /[^A-Za-z0-9._=+:@-]/u

/** A run of base64url that can begin an object of JSON (`{` and `"` or white space), with a dot after it and its next. */
const HEAD = /(?<![A-Za-z0-9_-])e[wy][A-Za-z0-9_-]*(?=\.[A-Za-z0-9_-]*\.)/g
const TOKEN_IN_PATH = 'The path holds a token. Send it in the Authorization header'

/** Whether a string can be a recording's id. */
export function isRecording(id: string): boolean {
  return flawOfRecording(id) === undefined
}

/** Whether a string can be a part's name. */
export function isPart(name: string): boolean {
  return flawOfPart(name) === undefined
}

/**
 * Says why a string can't be a recording's id: 1 to 128 letters, digits, `.`, `_` and `-`, a letter or digit first and
 * last, no `..`, no token. Repeats one character of it at most.
 *
 * @returns undefined if it can
 */
export function flawOfRecording(id: string): string | undefined {
  if (id.length > MAX_ID)
    return `A recording's id has at most ${MAX_ID} characters. This one has ${id.length}`
  const valid = ID.test(id) && !id.includes('..')
  if (holdsToken(id)) return TOKEN_IN_PATH
  if (valid) return undefined
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
 * Says why a string can't be a part's name: 1 to 8 segments of 1 to 200 letters, digits and `._=+:@-`, with `/` between
 * them, 768 characters in all; no segment begins with a dot or is a token. Repeats one character of it at most.
 *
 * @returns undefined if it can
 */
export function flawOfPart(name: string): string | undefined {
  if (name.length > MAX_PART)
    return `A part's name has at most ${MAX_PART} characters. This one has ${name.length}`
  if (holdsToken(name)) return TOKEN_IN_PATH
  return PART.test(name) ? undefined : flawOfSegments(name.split('/'))
}

/** Of segments that make no part's name. */
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
 * Whether a name holds a JWS or JWE (RFC 7515 7.1, RFC 7516 7.1), whatever stands around it. The log holds names as they
 * were sent, so a token must not pass for one. A ticket of ours, which has another form, is longer than a segment.
 */
function holdsToken(name: string): boolean {
  // Nearly no name gets further.
  if (name.indexOf('.') === name.lastIndexOf('.') || !/e[wy]/.test(name)) return false
  // Also behind `-` or `_`, which may be of the token's own base64url.
  return [name, name.replace(/[_-](?=e[wy])/g, ' ')].some(text =>
    text.match(HEAD)?.some(run => /^\{\s*"/.test(decoded(run))),
  )
}

/** How the bytes of a run begin. */
function decoded(run: string): string {
  const length = Math.min(run.length, 64)
  // One character alone, after whole fours, stands for no byte.
  return atob(
    run
      .slice(0, length % 4 === 1 ? length - 1 : length)
      .replaceAll('-', '+')
      .replaceAll('_', '/'),
  )
}

/** One character: in quotes if it is visible ASCII, else as its code point. */
function shown(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /^[!-~]$/.test(character) ? JSON.stringify(character) : `U+${code}`
}
