import { describe, expect, test } from 'vitest'
import { kindOfStart, START } from '../../../src/playlist/kind.ts'
import {
  MAX_PLAYLIST,
  rewriteBytes,
  rewritePlaylist,
  tooLong,
  whatIsWrong,
} from '../../../src/playlist/playlist.ts'
import { answerTo, Refusal } from '../../../src/refusal.ts'
import { contextAt, INVALID } from './context.ts'

const OUT = '<MPD><BaseURL>https://evil.example/</BaseURL></MPD>'
const OUT_OF_HLS = '#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttps://evil.example/x\n'
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
] as const)('a playlist of %s with the name %s is accepted: %s', (kind, part, passes) => {
  const text = kind === 'hls' ? '#EXTM3U\n' : '<MPD/>'
  const refusal = { reason: 'playlist_invalid', position: { line: 1 } }
  expect(rewritePlaylist(text, kind, contextAt(part))).toEqual(passes ? text : refusal)
  // So is a recording that is one object, by its key: its URL may show no ending.
  const alone = { ...contextAt(undefined), name: part }
  expect(rewritePlaylist(text, kind, alone)).toEqual(passes ? text : refusal)
})

test.each([
  ['an MPD after text', `x${OUT}`],
  ['an MPD after an element', `<a/>${OUT}`],
  ['an MPD beyond the bytes that are read', `${'x'.repeat(1100)}${OUT}`],
  ['HLS after a comment', `# c\n${OUT_OF_HLS}`],
  ['HLS after text', `x\n#EXTM3U\n${OUT_OF_HLS}`],
  ['an MPD in UTF-16', Buffer.from(`\ufeff${OUT}`, 'utf16le')],
  ['HLS in UTF-16', Buffer.from(`\ufeff#EXTM3U\n${OUT_OF_HLS}`, 'utf16le')],
])('the first bytes do not show %s, so a reference to a playlist needs an ending', (_, content) => {
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

test.each(['playlist_outside', 'playlist_invalid'] as const)(
  '%s is answered as forbidden, and nothing more',
  reason => {
    const answer = { status: 403, title: 'Forbidden', headers: {} }
    expect(answerTo(reason, { concealedStatus: 404 })).toEqual(answer)
    expect(answerTo(reason, { concealedStatus: 403 })).toEqual(answer)
  },
)

describe('rewriteBytes', () => {
  const rewritten = (bytes: Uint8Array<ArrayBuffer>) => rewriteBytes(bytes, 'hls', contextAt('main.m3u8'))
  const encode = (text: string) => new Uint8Array(new TextEncoder().encode(text))
  const START_OF_HLS = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,é\n'

  test('the bytes of a playlist are sent as they are stored if nothing has to change', () => {
    const bytes = encode(`${START_OF_HLS}x.ts\n`)
    expect(rewritten(bytes)).toBe(bytes)
  })

  test('the bytes of a playlist are replaced if a reference has to be made relative', () =>
    expect(rewritten(encode(`${START_OF_HLS}/recordings/rec-013/x.ts\n`))).toEqual(
      encode(`${START_OF_HLS}x.ts\n`),
    ))

  test('the bytes of a playlist lose their byte order mark', () =>
    expect(rewritten(encode(`\ufeff${START_OF_HLS}x.ts\n`))).toEqual(encode(`${START_OF_HLS}x.ts\n`)))

  test('the bytes of a playlist are refused if they are not UTF-8, or if the playlist is refused', () => {
    expect(rewritten(new Uint8Array([...encode(START_OF_HLS), 0xff]))).toEqual(
      new Refusal('playlist_invalid'),
    )
    expect(rewritten(encode(`${START_OF_HLS}//evil.example/x\n`))).toEqual(
      new Refusal('playlist_outside', undefined, { line: 4 }),
    )
  })
})

test('at most 2 MiB of HLS and 1 MiB of an MPD are read', () =>
  expect(MAX_PLAYLIST).toEqual({ hls: 2_097_152, dash: 1_048_576 }))

test.each([
  [
    'an attribute',
    new Refusal('playlist_outside', undefined, { line: 3, tag: 'EXT-X-KEY', attribute: 'URI' }),
    'The playlist, in line 3, EXT-X-KEY, URI, leads out of the recording: name parts of it by relative URLs',
  ],
  [
    'a line',
    new Refusal('playlist_outside', undefined, { line: 4 }),
    'The playlist, in line 4, leads out of the recording: name parts of it by relative URLs',
  ],
  [
    'an unknown tag',
    new Refusal('playlist_invalid', undefined, { line: 1, tag: 'other' }),
    'The playlist, in line 1, other, is refused, as players might read it in different ways: docs/playlists.md says what is served',
  ],
  [
    'a whole playlist',
    new Refusal('playlist_invalid'),
    'The playlist, which must be UTF-8, is refused, as players might read it in different ways: docs/playlists.md says what is served',
  ],
])('whatIsWrong explains the refusal of %s to the recorder', (_, refusal, detail) =>
  expect(whatIsWrong(refusal)).toBe(detail),
)

test('tooLong says to the recorder how long a playlist may be', () => {
  expect(tooLong('hls')).toBe('A playlist of HLS must be at most 2097152 bytes long')
  expect(tooLong('dash')).toBe('A playlist of DASH must be at most 1048576 bytes long')
})
