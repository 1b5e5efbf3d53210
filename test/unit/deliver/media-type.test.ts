import { expect, test } from 'vitest'
import { mediaTypeOf, safeMediaType } from '../../../src/deliver/media-type.ts'

test.each([
  ['video/mp4', 'video/mp4'],
  [' Video/MP4; codecs="avc1"', 'video/mp4'],
  ['text/html', 'application/octet-stream'],
  ['image/svg+xml', 'application/octet-stream'],
  ['constructor', 'application/octet-stream'],
  ['', 'application/octet-stream'],
  [undefined, 'application/octet-stream'],
])('stored as %j, delivered as %s', (stored, delivered) => expect(safeMediaType(stored)).toBe(delivered))

test.each([
  ['a.mp4', 'video/mp4'],
  ['b/c.M3U8', 'application/vnd.apple.mpegurl'],
  ['mp4', 'application/octet-stream'],
  ['a.html', 'application/octet-stream'],
  ['a.', 'application/octet-stream'],
])('the name %s tells %s', (name, type) => expect(mediaTypeOf(name)).toBe(type))
