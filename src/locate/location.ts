import { type ObjectRef, RESERVED_PREFIX } from '../recordings/recording.ts'
import { MAX_PART, MAX_RECORDING_ID, MAX_SEGMENT } from './names.ts'

/**
 * A mapping from URLs to stored objects: `url` is matched against the path, `key` is filled from it. Both are strings
 * with the placeholders `:recording` (an id) and `:part+` (one or more segments, only at the end).
 *
 * Example: `{ url: '/media/:recording.mp4', key: 'consultations/:recording/video.mp4' }`
 */
export interface Location {
  /** Path pattern. Begins with `/` and contains `:recording` once. */
  readonly url: string
  /** Key template. Contains `:recording`, and ends with `/:part` if `url` ends with `:part+`. */
  readonly key: string
}

/** A location that was checked and is ready to match. */
export interface CompiledLocation {
  /** As it was configured. */
  readonly url: string
  /** Returns what a path contains in place of the placeholders, unchecked. Undefined if the path doesn't match. */
  readonly split: (path: string) => Names | undefined
  readonly key: (recording: string, part: string | undefined) => string
  /** Whether it is for the parts of a recording, and not for a recording that is one file. */
  readonly hasPart: boolean
  /** Returns the path that all objects of a recording are below, for the path of a cookie. */
  readonly root: (path: string) => string
  /** Returns where the objects of a recording are: one key, or a prefix of keys that ends with `/`. */
  readonly keyPrefix: (recording: string) => string
}

/** What a path contains in place of the placeholders, unchecked. */
export interface Names {
  readonly recording: string
  readonly part?: string
}

/** The longest path that is parsed, and the longest key that S3 and R2 accept, in characters. */
export const MAX_LENGTH = 1024
const LITERAL = /^[A-Za-z0-9._~/-]*$/

const EMPTY_OR_DOT_SEGMENT = /(^|\/)(\.{1,2})?(\/|$)/

/** The path below which the next segment is a ticket. */
export const TICKET_PREFIX = '/play/'
/** The gate's own routes are below these: no request for a recording there would reach it. */
const TAKEN = [TICKET_PREFIX, '/access/v1/', '/console/api/']

/**
 * Checks a location and prepares it for matching.
 *
 * @throws Error that says what is wrong and how to fix it
 */
export function compileLocation({ url, key }: Location): CompiledLocation {
  if (!url.startsWith('/')) throw new Error(`url ${quote(url)} must begin with "/"`)
  const [before, after, ...more] = url.split(':recording')
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`url ${quote(url)} must contain ":recording" exactly once`)
  }
  const hasPart = after.endsWith('/:part+')
  const tail = hasPart ? after.slice(0, -'/:part+'.length) : after
  if (!LITERAL.test(before) || !LITERAL.test(tail)) {
    throw new Error(
      `url ${quote(url)} may contain letters, digits and "._~/-" beside ":recording" and, as its last segment, ":part+"`,
    )
  }
  if (!before.endsWith('/')) throw new Error(`url ${quote(url)} must have a "/" right before ":recording"`)
  const taken = TAKEN.find(prefix => before.startsWith(prefix))
  if (taken !== undefined) {
    throw new Error(`url ${quote(url)} must not begin with "${taken}": the gate has routes of its own there`)
  }
  if (EMPTY_OR_DOT_SEGMENT.test(`x${before}x${tail}`)) {
    throw new Error(`url ${quote(url)} must have no empty segments and no dot segments`)
  }
  const keyOf = compileKey(key, hasPart)
  // Then every key of a valid path is one that every store accepts, and no request has to be checked for it.
  const longest = keyOf(LONGEST_ID, 'x'.repeat(MAX_PART))
  const room = MAX_LENGTH - MAX_RECORDING_ID - (hasPart ? MAX_PART + 1 : 0)
  if (before.length + tail.length > room) {
    throw new Error(`url ${quote(url)} must have at most ${room} characters beside its placeholders`)
  }
  if (
    longest.length > MAX_LENGTH ||
    keyOf(LONGEST_ID, '')
      .split('/')
      .some(one => one.length > MAX_SEGMENT)
  ) {
    throw new Error(
      `key ${quote(key)} must give keys of at most ${MAX_LENGTH} characters and ${MAX_SEGMENT} per segment, with an id of ${MAX_RECORDING_ID} and a part of ${MAX_PART}`,
    )
  }
  const shape = new RegExp(`^${escapeDots(before)}([^/]*)${escapeDots(tail)}${hasPart ? '/(.*)' : ''}$`, 's')
  return {
    split(path) {
      const [, recording, part] = shape.exec(path) ?? []
      if (recording === undefined) return undefined
      return part === undefined ? { recording } : { recording, part }
    },
    key: keyOf,
    hasPart,
    root: path => {
      const end = path.indexOf('/', before.length)
      return end < 0 ? path : path.slice(0, end)
    },
    keyPrefix: recording => keyOf(recording, ''),
    url,
  }
}

function compileKey(key: string, hasPart: boolean): CompiledLocation['key'] {
  if (hasPart ? !/^[^:]*:recording[^:]*\/:part\+?$/.test(key) : !/^[^:]*:recording[^:]*$/.test(key)) {
    // The "/" keeps keys apart: without it, recording "a" with part "b-c" and "a-b" with "c" could be one object.
    throw new Error(
      `key ${quote(key)} must contain ":recording" once and end with "/:part" if and only if its url ends with ":part+"`,
    )
  }
  const literal = key.replace(':recording', 'x').replace(/:part\+?$/, 'x')
  if (!LITERAL.test(literal) || EMPTY_OR_DOT_SEGMENT.test(literal)) {
    throw new Error(
      `key ${quote(key)} may contain letters, digits and "._~/-", and no empty segments and no dot segments`,
    )
  }
  if (key.startsWith(RESERVED_PREFIX)) {
    throw new Error(
      `key ${quote(key)} must not begin with "${RESERVED_PREFIX}": the gate keeps its own objects there`,
    )
  }
  const [before, between = ''] = key.replace(/:part\+?$/, '').split(':recording')
  return (recording, part = '') => before + recording + between + part
}

/** Returns the object of a recording, or of one part of it, at a location. */
export function refAt({ key }: CompiledLocation, recording: string, part: string | undefined): ObjectRef {
  return { recording, key: key(recording, part), ...(part !== undefined && { part }) }
}

/**
 * Matches a path with a ticket: `/play/TICKET` or `/play/TICKET/PART…`. Relative URLs inherit a ticket only if it is in
 * the path (RFC 3986 5.2.2), so a player that knows nothing about tickets sends it with every part.
 */
export const TICKET_PATH: RegExp = new RegExp(`^${TICKET_PREFIX}([A-Za-z0-9._-]{1,8000})(?:/(.*))?$`, 's')

const LONGEST_ID = 'x'.repeat(MAX_RECORDING_ID)
const escapeDots = (literal: string): string => literal.replaceAll('.', '\\.')
const quote = (value: string): string => JSON.stringify(value)

/** Returns the locations below a prefix: `/PREFIX/ID` for a recording of one file, `/PREFIX/ID/PART…` for parts. */
export function locationsUnder(prefix: string): readonly Location[] {
  return [
    { url: `${prefix}/:recording`, key: 'recordings/:recording' },
    { url: `${prefix}/:recording/:part+`, key: 'recordings/:recording/:part' },
  ]
}
