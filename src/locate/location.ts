import { RESERVED_PREFIX } from '../recordings/recording.ts'
import { MAX_ID, MAX_PART, MAX_SEGMENT } from './names.ts'

/**
 * One way from a URL to a stored object: `url` is matched against the path, `key` is filled from it. Both are
 * texts with the placeholders `:recording` (an id) and `:part+` (one or more segments, only as the last thing).
 *
 * Example: `{ url: '/media/:recording.mp4', key: 'consultations/:recording/video.mp4' }`
 */
export interface Location {
  /** Path pattern; begins with `/` and holds `:recording` once. */
  readonly url: string
  /** Key template; holds `:recording`, and `:part` where `url` holds `:part+`. */
  readonly key: string
}

/** A location, checked and ready to match. */
export interface CompiledLocation {
  /** What a path of this location's shape holds in place of the placeholders, whatever it is; undefined for any other. */
  readonly split: (path: string) => Names | undefined
  readonly key: (recording: string, part: string | undefined) => string
  /** Whether it is for the parts of a recording, and not for one that is a file. */
  readonly hasPart: boolean
  /** The path that everything of a recording is below, of a path that matches: for a cookie to be kept to. */
  readonly root: (path: string) => string
  /** Where the objects of a recording are: one key, or all that begin with a text that ends in `/`. */
  readonly keyPrefix: (recording: string) => string
}

/** What a path has in place of the placeholders. Not checked yet. */
export interface Names {
  readonly recording: string
  readonly part?: string
}

/** The longest path that is looked at, and the longest key that S3 and R2 take, in characters. */
export const MAX_LENGTH = 1024
const LITERAL = /^[A-Za-z0-9._~/-]*$/

const NO_SEGMENT = /(^|\/)(\.{1,2})?(\/|$)/

/** Below it a ticket stands in the path. */
export const TICKET_PREFIX = '/play/'

/**
 * Checks a location and makes it ready.
 *
 * @throws Error that says what is wrong with it and how to mend it
 */
export function compileLocation({ url, key }: Location): CompiledLocation {
  if (!url.startsWith('/')) throw new Error(`url ${quote(url)} must begin with "/"`)
  const [before, after, ...more] = url.split(':recording')
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`url ${quote(url)} must hold ":recording" exactly once`)
  }
  const hasPart = after.endsWith('/:part+')
  const tail = hasPart ? after.slice(0, -'/:part+'.length) : after
  if (!LITERAL.test(before) || !LITERAL.test(tail)) {
    throw new Error(
      `url ${quote(url)} may hold letters, digits and "._~/-" beside ":recording" and, as its last segment, ":part+"`,
    )
  }
  if (!before.endsWith('/')) throw new Error(`url ${quote(url)} must have a "/" right before ":recording"`)
  if (before.startsWith(TICKET_PREFIX)) {
    throw new Error(`url ${quote(url)} must not begin with "${TICKET_PREFIX}": tickets are shown there`)
  }
  if (NO_SEGMENT.test(`x${before}x${tail}`)) {
    throw new Error(`url ${quote(url)} must have no empty and no dot segments`)
  }
  const keyOf = compileKey(key, hasPart)
  // Each key that a valid path leads to is then one that every store takes, so no request has to be checked for it.
  const longest = keyOf(LONGEST_ID, 'x'.repeat(MAX_PART))
  const room = MAX_LENGTH - MAX_ID - (hasPart ? MAX_PART + 1 : 0)
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
      `key ${quote(key)} must make keys of at most ${MAX_LENGTH} characters, ${MAX_SEGMENT} a segment, with an id of ${MAX_ID} and a part of ${MAX_PART}`,
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
  }
}

function compileKey(key: string, hasPart: boolean): CompiledLocation['key'] {
  if (hasPart ? !/^[^:]*:recording[^:]*\/:part\+?$/.test(key) : !/^[^:]*:recording[^:]*$/.test(key)) {
    // The "/" keeps keys apart: without it, recording "a" with part "b-c" and "a-b" with "c" could be one object.
    throw new Error(
      `key ${quote(key)} must hold ":recording" once and, exactly where its url holds ":part+", end with "/:part"`,
    )
  }
  const literal = key.replace(':recording', 'x').replace(/:part\+?$/, 'x')
  if (!LITERAL.test(literal) || NO_SEGMENT.test(literal)) {
    throw new Error(
      `key ${quote(key)} may hold letters, digits and "._~/-", and no empty and no dot segments`,
    )
  }
  if (key.startsWith(RESERVED_PREFIX)) {
    throw new Error(
      `key ${quote(key)} must not begin with "${RESERVED_PREFIX}": the gate keeps its own there`,
    )
  }
  const [before, between = ''] = key.replace(/:part\+?$/, '').split(':recording')
  return (recording, part = '') => before + recording + between + part
}

/**
 * What a path with a ticket is like: `/play/TICKET` or `/play/TICKET/PART…`. In the path, as relative URLs inherit it
 * there and nowhere else (RFC 3986 5.2.2), so that a player which knows nothing of it takes it along.
 */
export const TICKET_PATH: RegExp = new RegExp(`^${TICKET_PREFIX}([A-Za-z0-9._-]{1,8000})(?:/(.*))?$`, 's')

const LONGEST_ID = 'x'.repeat(MAX_ID)
const escapeDots = (literal: string): string => literal.replaceAll('.', '\\.')
const quote = (text: string): string => JSON.stringify(text)

/** The locations below a prefix: `/PREFIX/ID` for a recording of one file, `/PREFIX/ID/PART…` for one of many. */
export function locationsUnder(prefix: string): readonly Location[] {
  return [
    { url: `${prefix}/:recording`, key: 'recordings/:recording' },
    { url: `${prefix}/:recording/:part+`, key: 'recordings/:recording/:part' },
  ]
}
