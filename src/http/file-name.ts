import { encodeExtended, parse } from 'content-disposition'
import type { ObjectRef } from '../recordings/recording.ts'
import { type MediaDelivery, mediaTypeOf, UNKNOWN_TYPE } from './media-type.ts'

/** Longest name, in bytes of UTF-8. File systems allow 255, and programs append an ending while they download. */
const MAX_NAME = 200
/** Longest stored header that is read, in characters. */
const MAX_STORED = 1024

// Path separators and other characters that Windows forbids; quotes, which end the parameter; percent signs, which some
// programs decode (RFC 6266 D); control characters; and marks that change the direction of writing, which make "gpj.exe"
// look like "exe.jpg".
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name may not contain them
  /[\x00-\x1f\x7f-\x9f/\\:*?"<>|%\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
const ASCII = /^[ -~]*$/
const NON_ASCII = /[^ -~]/gu

/**
 * Returns the `Content-Disposition` of a delivered object (RFC 6266): whether a browser shows or saves it, and under which
 * file name. Without a name, programs use the last segment of the URL, which can be a ticket.
 *
 * @param stored the header that the object was stored with. It isn't trusted: only its file name is used
 */
export function contentDisposition(
  { recording, part }: ObjectRef,
  stored: string | undefined,
  { saved, ending }: MediaDelivery,
): string {
  const own = part === undefined ? recording : `${recording}-${part.replaceAll('/', '-')}`
  const chosen = storedName(stored) || cleaned(own)
  const name = mediaTypeOf(chosen) === UNKNOWN_TYPE ? shortened(chosen, ending) : shortened(chosen)
  const how = saved ? 'attachment' : 'inline'
  if (ASCII.test(name)) return `${how}; filename="${name}"`
  // Programs that don't know the extended form use the other one.
  return `${how}; filename="${name.replace(NON_ASCII, '_')}"; filename*=${encodeExtended(name)}`
}

/** Returns the cleaned file name of a stored header. Empty if there is none. */
function storedName(stored: string | undefined): string {
  if (stored === undefined || stored.length > MAX_STORED) return ''
  return cleaned(parse(stored).parameters.filename ?? '')
}

/** Replaces what a file name may not contain. A leading dot would hide the file, and Windows drops trailing dots and spaces. */
function cleaned(name: string): string {
  const safe = name.toWellFormed().replace(FORBIDDEN, '_')
  let [start, end] = [0, safe.length]
  while (isEdge(safe[start])) start++
  while (isEdge(safe[end - 1])) end--
  return safe.slice(start, end)
}

const isEdge = (character: string | undefined): boolean => character === '.' || character === ' '

/** Shortens a name to its limit. Keeps its ending, or appends another one. */
function shortened(name: string, added = ''): string {
  const ending = added === '' ? (/\.[A-Za-z0-9]{1,5}$/.exec(name)?.[0] ?? '') : added
  const stem = added === '' ? name.slice(0, name.length - ending.length) : name
  const room = new Uint8Array(MAX_NAME - ending.length)
  return stem.slice(0, new TextEncoder().encodeInto(stem, room).read) + ending
}
