import { expect, test } from 'vitest'
import { contentTypeFromHeaders } from '../../../src/ingest/owner-headers.ts'

// The media type that a part is stored with, by what its recorder sent and how its name ends.

test.each<[sent: string | undefined, part: string, stored: string]>([
  // What is sent counts, if it can be delivered.
  ['video/webm', 'a.mp4', 'video/webm'],
  ['application/json', 'a.mp4', 'application/json'],
  // What says nothing, or what no browser may be given, doesn't.
  [undefined, 'a.mp4', 'video/mp4'],
  ['application/octet-stream', 'a.mp4', 'video/mp4'],
  ['text/html', 'a.mp4', 'video/mp4'],
  ['text/html', 'a.html', 'application/octet-stream'],
  // What `fetch` says of every string is no statement: the ending knows better.
  ['text/plain', 'a.vtt', 'text/vtt'],
  ['text/plain', 'a.m3u8', 'application/vnd.apple.mpegurl'],
  ['text/plain', 'a.json', 'application/json'],
  ['text/plain;charset=UTF-8', 'a.vtt', 'text/vtt'],
  ['Text/Plain; charset=utf-8', 'a.mpd', 'application/dash+xml'],
  // If the ending says nothing, it counts after all.
  ['text/plain', 'a.txt', 'text/plain'],
  ['text/plain;charset=UTF-8', 'notes', 'text/plain'],
  ['text/plain', 'a.xyz', 'text/plain'],
])('a part sent as %s with the name %s is stored as %s', (sent, part, stored) => {
  const headers = new Headers(sent === undefined ? {} : { 'Content-Type': sent })
  expect(contentTypeFromHeaders(headers, { recording: 'rec-1', key: `recordings/rec-1/${part}`, part })).toBe(
    stored,
  )
  expect(contentTypeFromHeaders(headers, { recording: part, key: `recordings/${part}` })).toBe(stored)
})
