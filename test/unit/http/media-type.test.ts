import { expect, test } from 'vitest'
import { deliveryOf, mediaTypeOf, safeMediaType } from '../../../src/http/media-type.ts'

test.each([
  ['video/mp4', 'video/mp4'],
  [' Video/MP4; codecs="avc1"', 'video/mp4'],
  ['video/x-matroska;codecs=avc1', 'video/x-matroska'],
  // As browsers and tools call them.
  ['audio/x-m4a', 'audio/mp4'],
  ['video/x-m4v', 'video/mp4'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/mp3', 'audio/mpeg'],
  ['image/jpg', 'image/jpeg'],
  ['text/html', 'application/octet-stream'],
  ['image/svg+xml', 'application/octet-stream'],
  ['application/xhtml+xml', 'application/octet-stream'],
  ['text/xml', 'application/octet-stream'],
  ['text/javascript', 'application/octet-stream'],
  ['constructor', 'application/octet-stream'],
  ['', 'application/octet-stream'],
  [undefined, 'application/octet-stream'],
])('an object stored as %j is delivered as %s', (stored, delivered) =>
  expect(safeMediaType(stored)).toBe(delivered),
)

test.each([
  ['a.mp4', 'video/mp4'],
  ['b/c.M3U8', 'application/vnd.apple.mpegurl'],
  ['a.mkv', 'video/x-matroska'],
  ['a.flac', 'audio/flac'],
  ['a.webp', 'image/webp'],
  ['a.avif', 'image/avif'],
  ['a.gif', 'image/gif'],
  ['a.srt', 'application/x-subrip'],
  ['a.json', 'application/json'],
  ['a.txt', 'text/plain'],
  ['a.pdf', 'application/pdf'],
  ['mp4', 'application/octet-stream'],
  ['a.html', 'application/octet-stream'],
  ['a.svg', 'application/octet-stream'],
  ['a.', 'application/octet-stream'],
  // Only the end of a name is its ending.
  ['a.mp4.html', 'application/octet-stream'],
  ['a.mp4/index', 'application/octet-stream'],
  ['a.webm.mp4', 'video/mp4'],
])('the ending of the name %s means the media type %s', (name, type) => expect(mediaTypeOf(name)).toBe(type))

// The ending of a name counts only for an object that was stored without a type.
test.each([
  [undefined, 'a.webm', 'video/webm'],
  ['', 'a.webm', 'video/webm'],
  ['application/octet-stream', 'a.webm', 'video/webm'],
  ['Binary/Octet-Stream; charset=x', 'a.webm', 'video/webm'],
  ['audio/webm', 'a.mp4', 'audio/webm'],
  ['text/html', 'a.mp4', 'application/octet-stream'],
  [undefined, 'recordings/rec-1', 'application/octet-stream'],
])('an object stored as %j with the name %s is delivered as %s', (stored, name, type) =>
  expect(deliveryOf(stored, name).type).toBe(type),
)

test.each([
  ['video/mp4', false, false],
  ['audio/flac', false, false],
  ['image/avif', false, false],
  ['application/vnd.apple.mpegurl', false, false],
  ['application/dash+xml', false, false],
  ['text/vtt', true, false],
  ['application/json', true, false],
  ['application/pdf', true, true],
  ['image/svg+xml', true, true],
  ['text/html', true, true],
  [undefined, true, true],
])('an object of type %s is in a sandbox (%s), and saved, not shown (%s)', (type, sandbox, isSaved) => {
  const { headers, saved } = deliveryOf(type, 'recordings/rec-1')
  // Without a policy of its own it has the one of every answer.
  expect(headers['Content-Security-Policy'] === undefined).toBe(sandbox)
  expect(headers['Content-Security-Policy'] ?? '').not.toContain('sandbox')
  expect(saved).toBe(isSaved)
})
