import { encodeExtended, parse } from 'content-disposition'
import type { ObjectRef } from '../recordings/recording.ts'
import { type Delivery, mediaTypeOf, UNKNOWN_TYPE } from './media-type.ts'

/** Bytes of a name in UTF-8. File systems take 255, and programs add their own ending while they download. */
const MAX_NAME = 200
/** Characters of a stored header. A longer one is not read. */
const MAX_STORED = 1024

// Path separators, and what Windows forbids in a name; the quotes that end the parameter; percent signs, which some
// programs decode (RFC 6266 D); controls; and the marks that turn the direction of writing, which make "gpj.exe" look
// like "exe.jpg".
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a name may not hold
  /[\x00-\x1f\x7f-\x9f/\\:*?"<>|%\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
const ASCII = /^[ -~]*$/
const BEYOND_ASCII = /[^ -~]/gu

/**
 * The `Content-Disposition` of a delivered object (RFC 6266): whether a browser shows or saves it, and under which file
 * name. Without a name a program takes the last segment of the URL, and that can be a ticket.
 *
 * @param stored the header that the object was stored with, which is not to be trusted: only its file name counts
 */
export function contentDisposition(
  { recording, part }: ObjectRef,
  stored: string | undefined,
  { saved, ending }: Delivery,
): string {
  const own = part === undefined ? recording : `${recording}-${part.replaceAll('/', '-')}`
  const chosen = storedName(stored) || cleaned(own)
  const name = mediaTypeOf(chosen) === UNKNOWN_TYPE ? shortened(chosen, ending) : shortened(chosen)
  const how = saved ? 'attachment' : 'inline'
  if (ASCII.test(name)) return `${how}; filename="${name}"`
  // Programs that don't know the extended form take the other.
  return `${how}; filename="${name.replace(BEYOND_ASCII, '_')}"; filename*=${encodeExtended(name)}`
}

/** The file name of a stored header, cleaned; empty if there is none. */
function storedName(stored: string | undefined): string {
  if (stored === undefined || stored.length > MAX_STORED) return ''
  return cleaned(parse(stored).parameters.filename ?? '')
}

/** A leading dot would hide the file, or lead out of its folder; Windows drops dots and spaces at the end. */
function cleaned(name: string): string {
  const safe = name.toWellFormed().replace(FORBIDDEN, '_')
  let [start, end] = [0, safe.length]
  while (start < end && isEdge(safe[start])) start++
  while (end > start && isEdge(safe[end - 1])) end--
  return safe.slice(start, end)
}

const isEdge = (character: string | undefined): boolean => character === '.' || character === ' '

/** Cuts a name to its limit, and keeps or adds its ending. */
function shortened(name: string, added = ''): string {
  // No UTF-16 unit takes more than three bytes of UTF-8.
  if (name.length * 3 <= MAX_NAME) return name + added
  const ending = added === '' ? (/\.[A-Za-z0-9]{1,5}$/.exec(name)?.[0] ?? '') : added
  const stem = added === '' ? name.slice(0, name.length - ending.length) : name
  const room = new Uint8Array(MAX_NAME - ending.length)
  return stem.slice(0, new TextEncoder().encodeInto(stem, room).read) + ending
}
