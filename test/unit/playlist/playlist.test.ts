import { describe, expect, test } from 'vitest'
import { hasNoEnding, kindOfName, kindOfStart, kindOfType, START } from '../../../src/playlist/kind.ts'
import { rewritePlaylist } from '../../../src/playlist/playlist.ts'
import { answerTo } from '../../../src/refusal.ts'
import { contextAt, INVALID } from './context.ts'

test.each([
  ['application/vnd.apple.mpegurl', 'x', 'hls'],
  ['Application/VND.apple.mpegURL; charset=utf-8', 'x', 'hls'],
  ['application/x-mpegurl', 'x', 'hls'],
  ['audio/mpegurl', 'x', 'hls'],
  ['audio/x-mpegURL ;x', 'x', 'hls'],
  ['application/dash+xml', 'x', 'dash'],
  ['application/dash+xml', 'x.m3u8', 'dash'],
  [undefined, 'a/master.m3u8', 'hls'],
  ['video/mp4', 'a/master.M3U8', 'hls'],
  ['application/octet-stream', 'list.m3u', 'hls'],
  ['', 'manifest.mpd', 'dash'],
  ['text/xml', 'manifest.MPD', 'dash'],
  [undefined, 'm3u8', undefined],
  [undefined, 'a.m3u8x', undefined],
  [undefined, 'a.mpd.mp4', undefined],
  ['video/mp4', 'seg-0.m4s', undefined],
  ['x-application/dash+xml', 'seg-0.m4s', undefined],
])('%s, %s', (type, name, kind) => expect(kindOfType(type) ?? kindOfName(name)).toBe(kind))

test.each([
  ['#EXTM3U\n', 'hls'],
  ['\ufeff#EXTM3U', 'hls'],
  ['\r\n #extm3u', 'hls'],
  ['', 'hls'],
  [' '.repeat(64), 'hls'],
  ['<?xml version="1.0"?><!-- long', 'dash'],
  ['<?xml version="1.0"?>\n<!-- <html> -->\n<dash:MPD>', 'dash'],
  ['<!DOCTYPE MPD><mpd/>', 'dash'],
  ['<!DOCTYPE x [<!ENTITY y "z">]><html>', 'dash'],
  ['<MP', 'dash'],
  ['<!DOCTYPE html>\n<html>', undefined],
  ['<?xml version="1.0"?><tt:tt >', undefined],
  ['<svg><MPD/></svg>', undefined],
  ['\ufeff\n<MPD', 'dash'],
  ['WEBVTT\n', undefined],
  ['<!-- a -- b ---><!-- <html> --><MPD>', 'dash'],
  ['<!----><!-- - --><tt>', undefined],
  ['<!-- a --> b <!-- c --><html>', 'dash'],
  ['#EXTINF:', undefined],
  ['\0\0\0\x18ftypiso5', undefined],
])('what begins as %j', (text, kind) => expect(kindOfStart(new TextEncoder().encode(text))).toBe(kind))

test.each([
  ['720p', true],
  ['a.b/720p', true],
  ['a/720p.m3u8', false],
  ['720p.', false],
])('%s has no ending: %s', (name, none) => expect(hasNoEnding(name)).toBe(none))

const OUT = '<MPD><BaseURL>https://evil.example/</BaseURL></MPD>'
const OUT_OF_HLS = '#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttps://evil.example/x\n'
describe('what is of one kind by its media type and of another by its name is neither', () => {
  test.each([
    ['hls', 'a/main.mpd', false],
    ['hls', 'a/main.MPD', false],
    ['hls', 'main.m3u', true],
    ['hls', 'main.mpd.txt', true],
    ['hls', 'main', true],
    ['dash', 'main.m3u8', false],
    ['dash', 'main.m3u', false],
    ['dash', 'main.mpd', true],
    ['dash', 'main.xml', true],
  ] as const)('%s at %s: %s', (kind, part, passes) => {
    const text = kind === 'hls' ? '#EXTM3U\n' : '<MPD/>'
    const refusal = { reason: 'playlist_invalid', position: { line: 1 } }
    expect(rewritePlaylist(text, kind, contextAt(part))).toEqual(passes ? text : refusal)
    // A recording of one object, too, whose key tells what its URL may not.
    const alone = { ...contextAt(undefined), name: part }
    expect(rewritePlaylist(text, kind, alone)).toEqual(passes ? text : refusal)
  })
})

describe('what players read as a playlist, and first bytes do not tell, is named by none', () => {
  test.each([
    ['text before an MPD', `x${OUT}`],
    ['an element before an MPD', `<a/>${OUT}`],
    ['more than is looked at before an MPD', `${'x'.repeat(1100)}${OUT}`],
    ['a comment before HLS', `# c\n${OUT_OF_HLS}`],
    ['text before HLS', `x\n#EXTM3U\n${OUT_OF_HLS}`],
    ['an MPD in UTF-16', Buffer.from(`\ufeff${OUT}`, 'utf16le')],
    ['HLS in UTF-16', Buffer.from(`\ufeff#EXTM3U\n${OUT_OF_HLS}`, 'utf16le')],
  ])('%s', (_, content) => {
    expect(kindOfStart(Buffer.from(content).subarray(0, START))).toBeUndefined()
    for (const [kind, text] of [
      ['hls', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nnext\n'],
      ['hls', '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="next"\n'],
      ['hls', '#EXTM3U\n#EXTINF:1,\nnext\n'],
    ] as const) {
      expect(rewritePlaylist(text, kind, contextAt('main'))).toEqual(INVALID)
      const named = text.replace('next', 'next.m3u8')
      expect(rewritePlaylist(named, kind, contextAt('main'))).toBe(named)
    }
  })
})

test.each(['playlist_outside', 'playlist_invalid'] as const)(
  '%s is told as forbidden, and no more',
  reason => {
    const answer = { status: 403, title: 'Forbidden', headers: {} }
    expect(answerTo(reason, 404)).toEqual(answer)
    expect(answerTo(reason, 403)).toEqual(answer)
  },
)
