import { describe, expect, test } from 'vitest'
import { classify, PLAYLIST_READ_SIZE, playlistProblem } from '../../../../src/cli/upload/playlist-check.ts'

const HLS = 'application/vnd.apple.mpegurl'
const DASH = 'application/dash+xml'
const MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo\n'
const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:4,\nsegment-000.m4s\n'

test.each<[string, string, string, string]>([
  ['video.m3u8', MEDIA, 'playlist', HLS],
  ['VIDEO.M3U8', MEDIA, 'playlist', HLS],
  ['list.m3u', MEDIA, 'playlist', HLS],
  ['playlist', MEDIA, 'playlist', HLS],
  ['index.ts', MEDIA, 'playlist', HLS],
  ['playlist', `\ufeff${MEDIA}`, 'playlist', HLS],
  ['playlist', MEDIA.replaceAll('\n', '\r\n'), 'playlist', HLS],
  ['playlist', '#EXTM3U', 'playlist', HLS],
  ['empty.m3u8', '', 'playlist', HLS],
  ['playlist', '#EXTM3U8 is no such line', 'media', 'application/octet-stream'],
  ['notes', ' #EXTM3U\n', 'media', 'application/octet-stream'],
  ['master.m3u8', MASTER, 'master', HLS],
  ['master', MASTER, 'master', HLS],
  ['master', '#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="a"\r\n', 'master', HLS],
  ['master', '#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i"\n', 'master', HLS],
  ['all.m3u', '#EXTM3U\nmorning.m3u8\nevening.m3u8\n', 'master', HLS],
  ['a.m3u8', '#EXTM3U\n#EXT-X-RENDITION-REPORT:URI="b.m3u8"\n#EXTINF:4,\na.m4s\n', 'playlist', HLS],
  ['manifest.mpd', '', 'playlist', DASH],
  ['manifest', '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', 'playlist', DASH],
  ['manifest', '\ufeff<?xml version="1.0"?>\n<!-- a > b -->\n<MPD\n', 'playlist', DASH],
  ['manifest', '<?xml version="1.0"?><d:MPD xmlns:d="x"/>', 'playlist', DASH],
  ['page', '<?xml version="1.0"?><html><MPD></html>', 'media', 'application/octet-stream'],
  ['page', '<MPDX>', 'media', 'application/octet-stream'],
  ['segment.ts', 'G@', 'media', 'video/mp2t'],
  ['init.mp4', '\0\0\0\x18ftyp', 'media', 'video/mp4'],
])('a file %s that begins with %j is classified as %s, %s', (name, start, kind, contentType) => {
  expect(classify(name, start)).toEqual({ kind, contentType })
})

test('an adversarial file is classified within half a second', () => {
  const started = performance.now()
  classify('manifest', '<!-- --> '.repeat(20_000))
  classify('playlist', `#EXTM3U\n${'.m3u8x'.repeat(20_000)}`)
  expect(performance.now() - started).toBeLessThan(500)
})

describe('playlistProblem', () => {
  const url = new URL('http://127.0.0.1:8787/recordings/rec-1')
  const problem = (text: string, contentType = HLS, part: string | undefined = 'video/main.m3u8') =>
    playlistProblem({ bytes: new TextEncoder().encode(text), contentType, part, url })
  const listing = (uri: string) => `#EXTM3U\n#EXT-X-MAP:URI="${uri}"\n`

  test('a playlist that the gate would refuse is reported with its line, tag and attribute', () => {
    expect(problem(listing('https://evil.example/x'))).toMatch(
      /^The playlist, in line 2, EXT-X-MAP, URI, leads out of the recording/,
    )
    expect(problem(listing('a b'))).toMatch(/^The playlist, in line 2, EXT-X-MAP, URI, is refused/)
    expect(problem('<MPD>\n<Location>a.bin</Location></MPD>', DASH, 'a.mpd')).toMatch(
      /in line 2, Location, is/,
    )
    const alone = new TextEncoder().encode('#EXTM3U\n#EXTINF:1,\na.ts\n')
    expect(playlistProblem({ bytes: alone, contentType: HLS, part: undefined, url })).toMatch(
      /line 3, leads out/,
    )
    expect(problem(`<MPD>${' '.repeat(PLAYLIST_READ_SIZE)}</MPD>`, DASH)).toMatch(/at most 1048576 bytes/)
    expect(problem('#EXTM3U\n', HLS, 'a.mpd')).toMatch(/in line 1, is refused/)
    expect(playlistProblem({ bytes: Uint8Array.of(0xff), contentType: HLS, part: 'a', url })).toMatch(
      /must be UTF-8/,
    )
  })

  test('a playlist that the gate would serve has no problem, whatever the public origin of the gate', () => {
    for (const uri of ['x', '../x', '/recordings/rec-1/x', 'https://media.clinic.example/recordings/rec-1/x'])
      expect(problem(listing(uri))).toBeUndefined()
    expect(problem(listing('https://media.clinic.example/recordings/rec-2/x'))).toMatch(/leads out/)
    expect(problem('//evil.example/', 'video/mp4')).toBeUndefined()
    expect(problem('')).toBeUndefined()
  })
})
