import { describe, expect, test } from 'vitest'
import { rewritePlaylist } from '../../../src/playlist/playlist.ts'
import { Refusal } from '../../../src/refusal.ts'
import { contextAt, INVALID, OUTSIDE } from './context.ts'

const rewrite = (text: string, part: string | undefined = 'video/main.m3u8') =>
  rewritePlaylist(text, 'hls', contextAt(part))
/** The beginning of a playlist whose entries are segments. */
const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n'
/** Rewrites one line, in a playlist in which everything else is accepted. */
const line = (text: string) => {
  const outcome = rewrite(`${MEDIA}${text}\nend.m3u8\n`)
  return outcome instanceof Refusal ? outcome : outcome.slice(MEDIA.length, -'\nend.m3u8\n'.length)
}
const OWN = 'https://media.clinic.example/recordings/rec-013'

describe('unchanged playlists', () => {
  test.each([
    [
      'a playlist of ffmpeg',
      '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2.000000,\nseg-0.m4s\n#EXTINF:1.000000,\nseg-1.m4s\n#EXT-X-ENDLIST\n',
    ],
    [
      'a master playlist of ffmpeg',
      '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="group_aud",NAME="audio_1",DEFAULT=YES,CHANNELS="1",URI="audio.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=316800,RESOLUTION=128x72,CODECS="avc1.42c00a,mp4a.40.2",AUDIO="group_aud"\nvideo.m3u8\n\n',
    ],
    [
      'a playlist of shaka-packager with line ends of Windows',
      '#EXTM3U\r\n## Generated with https://github.com/shaka-project/shaka-packager version v3.2.0\r\n\r\n#EXT-X-MEDIA:TYPE=AUDIO,URI="audio.m3u8",GROUP-ID="default-audio-group",LANGUAGE="en",NAME="stream_0",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2"\r\n\r\n#EXT-X-STREAM-INF:BANDWIDTH=1,AVERAGE-BANDWIDTH=1,CODECS="avc1.64001f",FRAME-RATE=25.000,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE\r\nvideo.m3u8\r\n',
    ],
    [
      'a playlist of one file with byte ranges and a date',
      '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-PROGRAM-DATE-TIME:2026-11-25T10:00:00.000+00:00\n#EXT-X-MAP:URI="all.mp4",BYTERANGE="800@0"\n#EXTINF: 10,Dr. Osei & Ms Hale, part 1\n#EXT-X-BYTERANGE:1000@800\nall.mp4\n#EXT-X-DISCONTINUITY\n#EXT-X-CUE-OUT-CONT:ElapsedTime=5,Duration=30\n#EXTINF:.5\nx',
    ].map(text => text.replace('.5\nx', '5\nall.mp4\n#EXT-X-ENDLIST')),
  ])('%s is not changed', (_, text) => expect(rewrite(text)).toBe(text))

  test.each([
    '# a comment, with "quotes" and https://example.com/',
    '#',
    '',
    '#EXT-X-KEY:METHOD=NONE',
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="key.bin",IV=0x0123,KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1/2"',
    '#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="key.bin",KEYFORMAT="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"',
    '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="key.bin",KEYFORMAT="org.w3.clearkey:1"',
    '#EXT-X-DATERANGE:ID="urn:uuid:1",CLASS="com.example:ad",START-DATE="2026-11-25T10:00:00Z",X-COM-NOTE="12:30"',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,ALLOWED-CPC="com.example.drm1:SMART-TV/PC"',
    '#EXT-X-START:TIME-OFFSET=-1.5, PRECISE=YES',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0',
    '#EXT-X-FUTURE:some text, of whatever kind',
    '#EXT-X-FUTURE:A=1,B="x"',
    '#EXT-X-FUTURE',
    '#EXTINF:4.000,',
    '#EXTINF:4',
    '#EXTINF:4,a title, with a comma',
    '#EXTINF:5.99467,\t',
    '#EXTINF:-26.365,',
    '#EXTINF:.52,',
    '#EXTINF:10 ,a title',
    '#EXTINF:10.,',
    '#EXTINF:10.,a title',
    '#EXTINF:10.',
    '#EXTINF:10.000000,12:30, room 3/4 \\o/',
    '#EXTINF:1.5  ,a title',
    '#EXTINF: -1',
    '#EXTINF:-1 tvg-id="x",Consultation',
    '#EXTINF:6,Consultation #1, room "A", https://clinic.example/',
    '#EXTINF:6,old: #EXT-X-MAP:URI="old.mp4"',
    '#EXT-X-VERSION: 3',
    '#EXT-X-DISCONTINUITY ',
    '## #EXT-X-DISCONTINUITY',
    '##EXT-X-DISCONTINUITY',
    `#${'#EXT-X-GAP:'.repeat(4)}`,
    '#x#EXT-X-STREAM-INF\nseg.ts',
    '#extra-kodiprop: https://clinic.example/',
    '#EXT-X-FUTURE:A=b"c"',
    '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",VALUE="x"',
    '# about #EXT-X-MAP, #EXT-X-KEY:METHOD and #EXTINF:',
    '# old: #EXT-X-MAP:URI="old.mp4"',
    '# EXT-X-KEY:METHOD=AES-128,URI="https://example.com/"',
    'seg-0.ts ',
    'seg-0.ts\t',
    ' seg-0.ts',
    ' ',
    '#EXT-X-KEY:',
    '#EXT-X-KEY:METHOD=NONE,URI=""',
    '#EXT-X-MAP:URI="a",',
    '#EXT-X-MAP: URI="a"',
    '#EXT-X-MAP:\tURI="a"',
    '#EXT-X-MAP:URI = "a"',
    '#EXT-X-MAP:URI=a',
    '#EXT-X-MEDIA:TYPE=AUDIO,,URI="a.m3u8"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a:b",NAME="Interpreter: https://example.com/ \\o/ ..",LANGUAGE="pl"',
    '#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="Consultation: https://example.com/"',
    '#EXT-X-SESSION-DATA:DATA-ID="com.example.link",VALUE="https://clinic.example/go?url=consult"',
    `#EXT-X-SESSION-DATA:DATA-ID="com.example.link",VALUE="{'uri':'x','url'='y'}, URI=z"`,
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="curl= test, uri=x",URI="a.m3u8"',
    '#EXT-X-KEY:METHOD=AES-128,URI="x",KEYFORMAT="https://example.com/x"',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=426x240,\nlist.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=1, NAME=Low quality,CODECS="",NAME="FPS:29.97"\nlist.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=1,BANDWIDTH=1\nlist.m3u8',
    '#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="thumbs.m3u8"',
    '#EXT-X-Recorder-Version:2',
    '#EXT-X-RECORDER_NOTE:A_b="c"',
    '#EXT-OATCLS-SCTE35:/DAnAAAAAAAAAP/wBQb+AAAAAAARAg9DVUVJAAAAAX+HCQA0AAE0xUZn==',
    '#EXT-X-DATERANGE:ID="a",START-DATE="2026-11-25T10:00:00Z",SCTE35-OUT=0xFC302F,X-NOTE="Dr: arrives"',
    '#EXT-X-FUTURE:A="x\\u0041", B="and so on...", C=12:30, D="urn:x:y", E=/a',
    '#EXT-X-FUTURE:10,URI="a"',
    '#EXT-X-FUTURE:A="{$x}"',
    '#ext-x-key:METHOD=AES-128,URI="a"',
    '#Extracted from https://clinic.example/consult by recorder 2.1',
    '#Exported: see https://clinic.example/',
    '#extension of room 12: //x',
    '#ext',
    '# see #external: https://clinic.example/',
    '#EXTINF:6.0,Issue #ext: https://clinic.example/',
  ])('the line %j in HLS is not changed', text => expect(line(text)).toBe(text))
})

describe('references', () => {
  test.each([
    ['%s'],
    ['#EXT-X-MAP:URI="%s",BYTERANGE="1@0"'],
    ['#EXT-X-KEY:METHOD=AES-128,URI="%s"'],
    ['#EXT-X-SESSION-KEY:METHOD=AES-128,URI="%s"'],
    ['#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="%s"'],
    ['#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="%s"'],
    ['#EXT-X-PART:DURATION=1,URI="%s"'],
    ['#EXT-X-PRELOAD-HINT:TYPE=PART,URI="%s"'],
    ['#EXT-X-RENDITION-REPORT:URI="%s",LAST-MSN=1'],
    ['#EXT-X-SESSION-DATA:DATA-ID="x",URI="%s"'],
    ['#EXT-X-DATERANGE:ID="x",X-ASSET-URI="%s"'],
    ['#EXT-X-FUTURE:A=1, URI="%s"'],
    ['#EXT-X-FUTURE:X-COM-URL="%s"'],
  ])('a URI in the line %j of HLS is kept, made relative or refused', pattern => {
    const of = (uri: string) => line(pattern.replace('%s', uri))
    expect(of('list.m3u8')).toBe(pattern.replace('%s', 'list.m3u8'))
    expect(of('../audio/x.m3u8')).toBe(pattern.replace('%s', '../audio/x.m3u8'))
    expect(of(`${OWN}/video/list.m3u8`)).toBe(pattern.replace('%s', 'list.m3u8'))
    expect(of('/recordings/rec-013/audio/x.m3u8')).toBe(pattern.replace('%s', '../audio/x.m3u8'))
    for (const out of ['https://evil.example/x', '//evil.example/x', '/recordings/rec-014/x', '../../x'])
      expect(of(out)).toEqual(OUTSIDE)
    for (const odd of ['a%2fb', 'a\\b', 'a b', '{$x}']) expect(of(odd)).toEqual(INVALID)
  })

  test.each([
    '#EXT-X-FUTURE:NOTE="https://evil.example/x"',
    '#EXT-X-FUTURE:NOTE=https://evil.example/x',
    '#EXT-X-FUTURE:NOTE="//evil.example/x",URI="a"',
    '#EXTINF:1,tvg-logo= "https://evil.example/x"',
    '#EXT-X-FUTURE:https://evil.example/x',
    '#EXT-X-FUTURE://evil.example/x',
    '#EXT-X-FUTURE:NOTE="//evil.example/x"',
    '#EXT-X-FUTURE:NOTE="javascript:alert(1)"',
    '#EXT-X-FUTURE:NOTE="../../x"',
    '#EXT-X-FUTURE:NOTE=".."',
    '#EXT-X-FUTURE:NOTE="..?x"',
    '#EXT-X-FUTURE:NOTE="a/../../../x"',
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"',
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="urn:x"',
    '#EXT-X-MAP:URI="data:video/mp4;base64,AAAA"',
    '#EXT-X-MAP:URI=https://evil.example/x',
    '#ext-x-map:uri="https://evil.example/x"',
    '#EXT-X-FUTURE:A="%2e%2E/.%2e/x"',
    '#EXT-X-FUTURE:A="see https://evil.example/x"',
    '#EXT-X-FUTURE:A="nope //evil.example/x"',
    '#EXT-X-FUTURE:A="url(//evil.example/x)"',
    '#EXT-X-FUTURE:A="ht\ttps://evil.example/x"',
    '#EXT-X-FUTURE:A="http:evil.example"',
    '#EXT-X-FUTURE:A=b;\\\\evil.example',
    '#EXT-X-FUTURE://evil.example/?a=b',
    '#EXT-X-FUTURE:A=b c=//evil.example/',
    '# old: #EXT-X-MAP:URI="//evil.example/x"',
    '##EXT-X-MAP:URI="//evil.example/x"',
    '#EXT-X-MEDIA:https://evil.example/',
    '#EXTINF:1,tvg-logo="https://evil.example/x"',
    '#EXTINF:-1,../../../x',
    '#EXTINF:-1,https://evil.example/x',
    '#EXTINF:1 https://evil.example/x',
    '#EXTINF:x,https://evil.example/x',
    '#EXTINF:10.,\thttps://evil.example/x.ts',
    '#EXTINF:10.,/../../../console/x',
    '#KODIPROP:inputstream.adaptive.license_key=https://evil.example/',
    '#kodiprop:inputstream.adaptive.license_key=https://evil.example/',
    '#extvlcopt:http-proxy=https://evil.example/',
    '#exthttp:https://evil.example/',
    '#extinf:1,tvg-logo="https://evil.example/x"',
    '#EXTracted:https://evil.example/',
    '# see #ext-x-future:https://evil.example/',
  ])('the line %j in HLS is refused as outside', text => expect(line(text)).toEqual(OUTSIDE))

  test('every reference is refused in a recording that is one object', () => {
    const alone = (text: string) => rewritePlaylist(text, 'hls', contextAt(undefined))
    expect(alone('#EXTM3U\n#EXTINF:1,\nseg-0.ts\n')).toEqual(OUTSIDE)
    expect(alone('#EXTM3U\n')).toBe('#EXTM3U\n')
  })
})

describe('names of playlists', () => {
  test.each([
    ['#EXT-X-STREAM-INF:BANDWIDTH=1\n%s'],
    ['#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXTINF:1,\n\n# a comment\n%s'],
    ['#EXTINF:1,\n%s\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlist.m3u8'],
    ['# old: #EXT-X-STREAM-INF:BANDWIDTH=1\n%s'],
    ['#ext-x-stream-inf:BANDWIDTH=1\n%s'],
    ['#EXT-X-STREAM-INF\n%s'],
    ['#EXTINF:1,the #EXT-X-STREAM-INF : talk\n%s'],
    ['#EXT-X-STREAM-INF:BANDWIDTH=1,URI="%s"\nlist.m3u8'],
    ['#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="%s"'],
    ['#EXT-X-FUTURE-STREAM-INF:URI="%s"'],
    ['#EXT-X-MEDIA-FUTURE:URI="%s"'],
    ['#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",URI="%s"'],
    ['#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="%s"'],
    ['#EXT-X-RENDITION-REPORT:URI="%s",LAST-MSN=1'],
    ['#EXT-X-DATERANGE:ID="x",X-ASSET-URI="%s"'],
    ['#EXT-X-DATERANGE:ID="x",MY-X-ASSET-URI="%s"'],
  ])('a URI that players read as a playlist needs the ending of one: %j', pattern => {
    const of = (uri: string) => rewrite(`${MEDIA}${pattern.replace('%s', uri)}\n`)
    for (const looked of ['list.m3u8', 'LIST.M3U8?x=1', 'a.b/720p.m3u', 'other.m3u8?x=.mpd'])
      expect(of(looked)).toBe(`${MEDIA}${pattern.replace('%s', looked)}\n`)
    // Players read more as a playlist than first bytes show. An MPD would be checked as an MPD, and read as HLS.
    for (const passed of [
      'other.mpd',
      'other.mpd?x=.m3u8',
      'seg-0.ts',
      'seg-0.mp4?x.m3u8',
      'list.m3u8.txt',
      'next.bin',
      '720p',
      'a.b/m3u8',
    ])
      expect(of(passed)).toEqual(INVALID)
  })

  test('a segment may have any name', () => {
    const text = `${MEDIA}#EXTINF:1,\nseg.ts\n#EXTINF:1,\nseg.bin\n#EXTINF:1,\nseg\n`
    expect(rewrite(text)).toBe(text)
  })

  test.each([
    '# written for #EXT-X-STREAM-INF',
    '#EXTINF:5,the #EXT-X-STREAM-INF talk',
    '# no #EXT-X-DEFINE is used here, and no #EXT-X-CONTENT-STEERING',
    '# of #EXTINF, #EXT-X-MAP, #EXT-X-KEY, #EXT-X-GAP, #EXT-X-PART and #EXT-X-SKIP',
  ])('a segment may have any name after a tag that is only mentioned: %s', mention => {
    const text = `${MEDIA}${mention}\nseg.ts\n`
    expect(rewrite(text)).toBe(text)
  })

  test.each([
    ['neither tag', false, ''],
    ['a target duration', true, '#EXT-X-TARGETDURATION:1\n'],
    ['a media sequence', true, '#EXT-X-MEDIA-SEQUENCE:0\n'],
    ['a target duration that is only mentioned', false, '# #EXT-X-TARGETDURATION:1\n'],
    ['a target duration without its colon', false, '#EXT-X-TARGETDURATION\n'],
    ['a target duration after a comment', true, `#${' '.repeat(1000)}\n#EXT-X-TARGETDURATION:1\n`],
    [
      'a target duration later than VLC looks for it',
      false,
      `#${' '.repeat(8192)}\n#EXT-X-TARGETDURATION:1\n`,
    ],
    [
      'a target duration later in bytes than VLC looks for it',
      false,
      `#${'€'.repeat(2730)}\n#EXT-X-TARGETDURATION:1\n`,
    ],
  ])('the entries of an M3U with %s may have any name: %s', (_, isMedia, tag) => {
    const of = (uri: string) => typeof rewrite(`#EXTM3U\n${tag}#EXTINF:1,\n${uri}\n`) === 'string'
    for (const uri of ['seg.ts', 'next', 'next.mpd']) expect(of(uri)).toBe(isMedia)
    for (const uri of ['next.m3u8', 'next.m3u']) expect(of(uri)).toBe(true)
  })
})

test.each([
  '#EXT-X-CONTENT-STEERING:SERVER-URI="%s"',
  '#EXT-X-DATERANGE:ID="x",X-ASSET-LIST="%s"',
  '#EXT-X-DATERANGE:ID="x",MY-X-ASSET-LIST="%s"',
  '#EXT-X-DATERANGE:ID="x",X-BACKGROUND="%s"',
  '#EXT-X-DATERANGE:ID="x",X-AD-CREATIVE-SIGNALING="%s"',
  '#EXTHTTP:%s',
])('the line %j in HLS is refused, as the gate does not rewrite what it refers to', pattern => {
  expect(line(pattern.replace('%s', 'list.json'))).toEqual(INVALID)
  expect(line(pattern.replace('%s', 'https://evil.example/x'))).toEqual(OUTSIDE)
})

describe('ambiguous playlists', () => {
  test.each([
    ['an attribute twice', '#EXT-X-KEY:METHOD=AES-128,URI="a",URI="b"'],
    ['a URI within a quoted string', '#EXT-X-MEDIA:NAME="x\\",B=",URI=next.bin,C=",D="y"'],
    [
      'a URI within another quoted string',
      '#EXT-X-MEDIA:NAME="x\\",LANGUAGE=",URI=next.bin,C=",GROUP-ID="y"',
    ],
    ['a URI in a string after a space', '#EXT-X-MEDIA:NAME= "x,URI=next.bin,C="'],
    ['a string that ends as a URI begins', '#EXT-X-MEDIA:NAME="x URI=",LANGUAGE="next.bin"'],
    [
      'a URI within a string that players do not show',
      '#EXT-X-MEDIA:TYPE=AUDIO,STABLE-RENDITION-ID="uri=next.bin"',
    ],
    ['a URI within a value of several words', '#EXT-X-MEDIA:NAME=x URI=next.bin'],
    ['a URI after a space', '#EXT-X-MEDIA:TYPE=AUDIO URI="a.m3u8"'],
    ['a list without its colon', '#EXT-X-MEDIA{$x}TYPE=AUDIO,URI="next.bin"'],
    ['a variable that a comment sets', '# #EXT-X-DEFINE:NAME="x",VALUE="y"'],
    ['an attribute that sticks to its tag', '#EXT-X-MEDIAURI="next.bin",TYPE=AUDIO'],
    ['a list of further URIs, out of quotes', '#EXT-X-DATERANGE:ID=x"y,X-ASSET-LIST="a"'],
    ['an absolute URI in a tag that a comment mentions', `# #EXT-X-MAP:URI="${OWN}/a"`],
    ['an absolute URI in a tag within another', `#EXT-X-FUTURE:A=1,#EXT-X-KEY:METHOD=NONE,URI="${OWN}/a"`],
    ['five tags', `#${'#EXT-X-GAP:'.repeat(5)}`],
    ['chapters', '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"'],
    ['a title with a space before its comma', '#EXTINF:6 x,a'],
    ['single quotes', "#EXT-X-KEY:METHOD=AES-128,URI='a'"],
    ['a quote that never ends', '#EXT-X-MAP:URI="a'],
    ['a quote within a value', '#EXT-X-FUTURE:A=b"c",URI="d"'],
    ['no comma', '#EXT-X-MEDIA:TYPE=AUDIO URI="a.m3u8"'],
    ['space before a tag', ' #EXT-X-KEY:METHOD=AES-128,URI="a"'],
    ['an indented comment', ' # anything'],
    ['an indented comment with a URL after a tab', ' #\thttps://evil.example/x.ts'],
    ['a comment after a tab', '\t#'],
    ['a comment after a space without a break', '\u00a0# x'],
    ['something after a duration', '#EXTINF:1 a title'],
    ['a duration that is not a number', '#EXTINF:x,a title'],
    ['a path after a point without digits', '#EXTINF:10.,/console/x'],
    ['a backslash after a point without digits', '#EXTINF:10.,a\\b'],
    ['a path after a space and a tab', '#EXTINF:10 ,\t/console/x'],
    ['a negative duration that begins as a URL does', '#EXTINF:-1:x'],
    ['a tag without a duration in a title of a negative duration', '#EXTINF:-1\t#EXTINF:/console/x'],
    ['no duration', '#EXTINF'],
    ['a point without digits', '#EXTINF:.x,'],
    ['a negative duration after something', '#EXTINF:x -1,'],
    ['a duration of letters', '#EXTINF:x ,a'],
    ['space within a duration', '#EXTINF:1 2,a'],
    ['a variable', '#EXT-X-DEFINE:NAME="x",VALUE="y"'],
    ['a variable of the query', '#EXT-X-DEFINE:QUERYPARAM="x"'],
    ['content steering without a server', '#EXT-X-CONTENT-STEERING:PATHWAY-ID="x"'],
    ['options of a player', '#EXTVLCOPT:network-caching=1'],
    ['an MPD in a comment', '# <MPD><BaseURL>//evil.example/</BaseURL></MPD>'],
    ['an MPD with a prefix', '# <d:MPD xmlns:d="urn:mpeg:dash:schema:mpd:2011">'],
    ['an MPD with a longer prefix', '# <dash:MPD>'],
    ['an MPD in lower case in a title', '#EXTINF:1,<mpd>'],
    ['an MPD in a text', '#EXT-X-SESSION-DATA:DATA-ID="x",VALUE="<MPD>"'],
    ['NUL', '#EXT-X-FUTURE:\0'],
    ['U+2028', '# \u2028https://evil.example/x'],
    ['U+2029', '# \u2029https://evil.example/x'],
    ['U+0085', '# \u0085https://evil.example/x'],
    ['a lone CR', '# \rhttps://evil.example/x'],
    ['two CRs', 'seg-0.ts\r\r'],
    ['a byte order mark before a tag', '\ufeff#EXT-X-KEY:METHOD=AES-128,URI="a"'],
  ])('a line of HLS with %s is refused, since players read it in different ways', (_, text) =>
    expect(line(text)).toEqual(INVALID),
  )

  test.each([
    ['no content', ''],
    ['an empty first line', '\n#EXTM3U\n'],
    ['another first line', '#EXTM3U8\n'],
    ['a first line after space', ' #EXTM3U\n'],
    ['a first line in lower case', '#extm3u\n'],
    ['a CR at the very end', '#EXTM3U\r'],
    ['a variant without a URI', '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n# /'],
    ['a segment without a URI', '#EXTM3U\n#EXTINF:1,x https:'],
    ['a last segment without a URI', `${MEDIA}#EXTINF:1,\nx.ts\n#EXTINF:1,\n\n`],
  ])('a playlist of HLS with %s is refused as invalid', (_, text) => expect(rewrite(text)).toEqual(INVALID))

  test('a playlist of HLS with two byte order marks is refused', () =>
    expect(rewrite('\ufeff\ufeff#EXTM3U\n')).toEqual(INVALID))
})

test('the byte order mark of a playlist of HLS is removed', () =>
  expect(rewrite(`\ufeff${MEDIA}#EXTINF:1,\nx.ts`)).toBe(`${MEDIA}#EXTINF:1,\nx.ts`))

test('the line endings of HLS are kept', () =>
  expect(rewrite(`${MEDIA}\r\n#EXTINF:1,\n${OWN}/video/a.ts\r\n#EXTINF:1,\r\n${OWN}/b.ts`)).toBe(
    `${MEDIA}\r\n#EXTINF:1,\na.ts\r\n#EXTINF:1,\r\n../b.ts`,
  ))

test('a playlist of HLS may have 50,000 lines, and a tag 256 attributes, but no more', () => {
  expect(rewrite(`#EXTM3U\n${'\n'.repeat(49_999)}`)).toEqual(expect.any(String))
  expect(rewrite(`#EXTM3U\n${'\n'.repeat(50_000)}`)).toEqual(INVALID)
  const tag = (count: number) => line(`#EXT-X-FUTURE:${'A=1,'.repeat(count - 1)}URI="a"`)
  expect(tag(256)).toMatch(/^#EXT/)
  expect(tag(257)).toEqual(INVALID)
})

describe('positions of refusals', () => {
  test.each<[string, string, string, object]>([
    ['a line', '\nhttps://evil.example/x', 'playlist_outside', { line: 4 }],
    ['a tag', '#EXT-X-FUTURE:https://evil.example/x', 'playlist_outside', { line: 3, tag: 'other' }],
    ['a tag that is refused', '#EXT-X-DEFINE:NAME="x"', 'playlist_invalid', { line: 3, tag: 'EXT-X-DEFINE' }],
    [
      'an attribute',
      '#EXT-X-KEY:METHOD=AES-128,URI="//evil.example/x"',
      'playlist_outside',
      { line: 3, tag: 'EXT-X-KEY', attribute: 'URI' },
    ],
    [
      'an attribute that no list has',
      '#EXT-X-KEY:A-URI="//evil.example/x"',
      'playlist_outside',
      { line: 3, tag: 'EXT-X-KEY', attribute: 'other' },
    ],
    [
      'a name without the ending of a playlist',
      '#EXT-X-MEDIA:TYPE=AUDIO,URI="x.ts"',
      'playlist_invalid',
      { line: 3, tag: 'EXT-X-MEDIA', attribute: 'URI' },
    ],
    [
      'the second of two equal attributes',
      '#EXT-X-KEY:URI="a",URI="b"',
      'playlist_invalid',
      { line: 3, tag: 'EXT-X-KEY', attribute: 'URI' },
    ],
    [
      'an attribute that is refused',
      '#EXT-X-DATERANGE:X-ASSET-LIST="//evil.example/x"',
      'playlist_outside',
      { line: 3, tag: 'EXT-X-DATERANGE', attribute: 'X-ASSET-LIST' },
    ],
    [
      'chapters',
      '#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="x"',
      'playlist_invalid',
      { line: 3, tag: 'EXT-X-SESSION-DATA', attribute: 'DATA-ID' },
    ],
    ['a tag in a comment', '# #EXT-X-DEFINE:', 'playlist_invalid', { line: 3, tag: 'EXT-X-DEFINE' }],
    ['a duration', '\n\n#EXTINF:x', 'playlist_invalid', { line: 5, tag: 'EXTINF' }],
    ['a title', '#EXTINF:1,a="//evil.example/x"', 'playlist_outside', { line: 3, tag: 'EXTINF' }],
    [
      'a prefetch',
      '#EXT-X-PREFETCH://evil.example/x',
      'playlist_outside',
      { line: 3, tag: 'EXT-X-PREFETCH' },
    ],
    ['a character', '#\n# \u2028', 'playlist_invalid', { line: 4 }],
    ['an MPD', '#\n# <MPD>', 'playlist_invalid', { line: 4 }],
    ['space before a tag', ' #EXT-X-KEY:METHOD=NONE', 'playlist_invalid', { line: 3 }],
  ])('the refusal of %s in HLS has its position', (_, text, reason, position) => {
    const refusal = line(text)
    expect(refusal).toMatchObject({ reason })
    expect(refusal).toHaveProperty('position', position)
  })

  test('the refusal of a missing URI in HLS has the position of the last line', () =>
    expect(rewrite(`${MEDIA}#EXTINF:1,\n#\n`)).toHaveProperty('position', { line: 4 }))

  test('the refusal of a first line in HLS has its position', () => {
    for (const text of ['', '\n', 'x', '#EXTM3U8'])
      expect(rewrite(text)).toHaveProperty('position', { line: 1 })
  })
})

test('the whole value of a prefetch tag is read as a URI', () => {
  expect(line('#EXT-X-PREFETCH:x.ts')).toBe('#EXT-X-PREFETCH:x.ts')
  expect(line(`#EXT-X-TWITCH-PREFETCH:${OWN}/video/x.ts`)).toBe('#EXT-X-TWITCH-PREFETCH:x.ts')
  expect(line('#EXT-X-PREFETCH:x y')).toEqual(INVALID)
})

test('each of several references of a tag is made relative', () =>
  expect(line(`#EXT-X-KEY:URI="${OWN}/a", X-URL=${OWN}/b ,C="d"`)).toBe(
    '#EXT-X-KEY:URI="../a", X-URL=../b ,C="d"',
  ))
