import type { ClaimPath, ClaimValue } from './issuer.ts'

/** The claims of a token. */
export type Claims = Readonly<Record<string, unknown>>

/** Returns whether a claim is present. Some libraries write null for an absent one. */
export const isPresent = (claim: unknown): boolean => claim !== undefined && claim !== null

/** Longest string that is kept of a claim, in characters. */
const MAX_LENGTH = 255

/** Returns the value at a path. Undefined if there is none. A string names a claim, even if there are dots in it. */
export function claimAt(claims: Claims, path: ClaimPath): unknown {
  if (typeof path === 'string') return own(claims, path)
  return path.reduce<unknown>((value, name) => (isObject(value) ? own(value, name) : undefined), claims)
}

/** Accepts only a non-empty string: `["patient-1"]`, `1` and `{}` are not ids. */
export function stringClaim(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' && claim.length <= MAX_LENGTH ? claim : undefined
}

/**
 * Returns whether a claim has one of some values: itself, as an element of its list, or as a word of its string, as
 * scopes are written (RFC 6749 3.3).
 */
export function hasValue(claim: unknown, values: readonly ClaimValue[]): boolean {
  const held: readonly unknown[] = Array.isArray(claim) ? claim : [claim, ...wordsOf(claim)]
  return values.some(value => held.includes(value))
}

const wordsOf = (claim: unknown): readonly string[] => (typeof claim === 'string' ? claim.split(' ') : [])

/**
 * Returns the names in a claim: the elements of a list, which are never split, the parts of a string, or the keys of an
 * object whose value isn't false, null, 0 or empty.
 *
 * @param separator what is between two names of a string
 */
export function namesIn(claim: unknown, separator: ' ' | ','): readonly string[] {
  if (typeof claim === 'string') return claim.split(separator).map(withoutSpaces)
  if (Array.isArray(claim)) return claim.filter((name): name is string => typeof name === 'string')
  return isObject(claim) ? Object.keys(claim).filter(name => isGiven(claim[name])) : []
}

/** Removes U+0020 at both ends. `trim` removes more, and would turn one name into another. */
function withoutSpaces(name: string): string {
  let [start, end] = [0, name.length]
  while (name[start] === ' ') start++
  while (end > start && name[end - 1] === ' ') end--
  return name.slice(start, end)
}

function isGiven(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return value !== undefined && value !== false && value !== null && value !== 0 && value !== ''
}

// `constructor` and the like are no claims.
const own = (claims: Claims, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
