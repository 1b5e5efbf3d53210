import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPart } from '../../src/locate/names.ts'
import { rewritePlaylist } from '../../src/playlist/playlist.ts'
import { Refusal } from '../../src/refusal.ts'
import { HLS_PLAYERS, type Seen } from '../support/player-parsers.ts'
import { sample } from '../support/sample.ts'
import { contextAt } from '../unit/playlist/context.ts'

const PART = 'video/main.m3u8'
const INSIDE = 'https://gate.example/play/TICKET/'
const BASE = INSIDE + PART

/** The URLs that lead out of the recording, or to a playlist that the gate doesn't read as HLS. */
const leadingOut = ({ urls, playlists }: Seen): string[] => [
  ...urls.filter(url => !url.startsWith(INSIDE)),
  ...playlists.filter(url => {
    const part = new URL(url).pathname.slice(new URL(INSIDE).pathname.length)
    return isPart(part) && !/\.m3u8?$/i.test(part)
  }),
]

const OWN = 'https://media.clinic.example/recordings/rec-013/'
const hostileReference = fc.constantFrom(
  'https://evil.example/x',
  'HTTPS:evil.example',
  '//evil.example/x',
  '\\\\evil.example',
  '/\\evil.example',
  ' //evil.example',
  'ht\ttps://evil.example',
  'javascript:alert(1)',
  'data:,x',
  'skd://x',
  '../../x',
  '..\\..\\x',
  '%2e%2e/%2e%2e/x',
  '.%2e/../x',
  '/recordings/rec-014/x',
  '/recordings/rec-013/../rec-014/x',
  '/',
  '{$x}',
  'a?b=https://evil.example',
  `${OWN}../rec-014/x`,
  'https://media.clinic.example@evil.example/recordings/rec-013/x',
  'http:evil.example',
  'nope //evil.example/x',
  'next.bin',
  'next.mpd',
  'next.bin?x.m3u8',
  'next?x.m3u8',
)
const goodReference = fc.constantFrom(
  'low.m3u8',
  '720p',
  'seg-0.m4s',
  './seg-0.m4s',
  '../audio/a.m4s',
  'a/../b.ts',
  'x?v=1&w=2',
)
const ownReference = fc.constantFrom(`${OWN}video/seg-0.m4s`, `${OWN}x`, '/recordings/rec-013/a/b/c?v=1')
/** Changes some characters of a playlist. */
const damaged = (text: fc.Arbitrary<string>, odd: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, fc.array(fc.tuple(fc.nat(400), fc.nat(2), odd), { maxLength: 2 })).map(([whole, changes]) =>
    changes.reduce((now, [at, length, change]) => {
      const from = at % (now.length + 1)
      return now.slice(0, from) + change + now.slice(from + length)
    }, whole),
  )
const reference = fc.oneof(
  { weight: 6, arbitrary: goodReference },
  { weight: 3, arbitrary: ownReference },
  { weight: 1, arbitrary: hostileReference },
)

const tag = fc
  .tuple(
    fc.constantFrom(
      ['KEY', 'METHOD=AES-128,URI="%",KEYFORMAT="identity"'],
      ['MAP', 'URI="%"'],
      ['MAP', 'BYTERANGE="1@0" , URI = %,'],
      ['SESSION-KEY', 'METHOD=AES-128,URI="%"'],
      ['MEDIA', 'TYPE=AUDIO,GROUP-ID="a",NAME="a, b",URI="%"'],
      ['MEDIA', 'TYPE=AUDIO,GROUP-ID="a",NAME="%",URI="low.m3u8"'],
      ['I-FRAME-STREAM-INF', 'BANDWIDTH=1,URI="%"'],
      ['IMAGE-STREAM-INF', 'BANDWIDTH=1,URI="%"'],
      ['STREAM-INF', 'BANDWIDTH=1,NAME=Low quality,URI="%"'],
      ['PART', 'DURATION=1,URI="%"'],
      ['PRELOAD-HINT', 'TYPE=PART,URI="%"'],
      ['RENDITION-REPORT', 'URI="%",LAST-MSN=1'],
      ['SESSION-DATA', 'DATA-ID="x",URI="%"'],
      ['SESSION-DATA', 'DATA-ID="x",VALUE="%"'],
      ['SESSION-DATA', 'DATA-ID="x",VALUE="a,URI=%"'],
      ['MEDIA', 'TYPE=AUDIO,GROUP-ID="a",NAME="x,URI=%,url=",LANGUAGE="b,URI=%",URI="low.m3u8"'],
      ['DATERANGE', 'ID="x",START-DATE="2026-11-25T10:00:00Z",X-ASSET-URI="%"'],
      ['DATERANGE', 'ID="x",START-DATE="2026-11-25T10:00:00Z",X-ASSET-LIST="%"'],
      ['DATERANGE', 'ID="x",START-DATE="2026-11-25T10:00:00Z",MY-X-ASSET-URI="%"'],
      ['DATERANGE', 'ID="x",START-DATE="2026-11-25T10:00:00Z",MY-X-ASSET-LIST="%"'],
      ['CONTENT-STEERING', 'SERVER-URI="%"'],
      ['DEFINE', 'NAME="x",VALUE="%"'],
      ['Future_1', 'A=1, B="%"'],
      ['FUTURE', '%'],
      ['FUTURE', 'A=1 URI=%'],
      ['MEDIA{$x}', 'TYPE=AUDIO,NAME="a",URI="%"'],
    ),
    reference,
    fc.constantFrom('', '', '', '', '# old: ', '#', '#EXTINF:1,'),
  )
  .map(
    ([[name = '', list = ''], uri, before]) => `${before}#EXT-X-${name}:${list.replaceAll('%', () => uri)}`,
  )
const variant = reference.map(uri => `#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f"\n${uri}`)
const segment = fc
  .tuple(
    fc.constantFrom('1,', '1,', '1.5,a title', '2', '5.9,\t', '-1,', '-26.365,x', '6 ,x', '6.,x', '', '6 x'),
    fc.option(reference, { freq: 12, nil: '' }),
    reference,
  )
  .map(([info, title, uri]) => `#EXTINF:${info}${title === '' ? title : ''}\n${uri}`)
const titled = fc
  .tuple(
    fc.constantFrom('1,', '-1,', '-1:', '1 ', '1 ,\t', '1.,', '1.,\t', '', '-1 a="', '1,a="'),
    reference,
    goodReference,
  )
  .map(([info, title, uri]) => `#EXTINF:${info}${title}\n${uri}`)
const comment = fc
  .tuple(fc.constantFrom('#', '# ', '#\t', ' #\t', ' # '), reference)
  .map(([before, uri]) => before + uri)
const plain = fc.constantFrom(
  '#EXT-X-VERSION:7',
  '#EXT-X-TARGETDURATION:2',
  '#EXT-X-DISCONTINUITY ',
  '# comment',
  '# about #EXT-X-MEDIA and the like',
  '# neither #EXT-X-STREAM-INF nor #EXT-X-DEFINE',
  '',
  '#EXT-X-ENDLIST',
)
const odd = fc.oneof(
  fc.constantFrom(
    ...[
      '"',
      "'",
      ',',
      '=',
      ' ',
      '\t',
      '#',
      '#EXT-X-MAP:URI="//e/x"',
      '#EXT-X-MEDIA:TYPE=AUDIO,URI="next.bin"',
    ],
    ...['#EXTINF:', '#EXT-X-STREAM-INF:', '\\', '//e/x', '\r', '\n', '\n123/x', '\n-1', '-'],
  ),
  fc.constantFrom(
    ...[
      '\0',
      '\u2028',
      '\u0085',
      '\ufeff',
      '\u00a0',
      'URI="//e/x",',
      'URI=',
      'URI="next.bin"',
      ':',
      '/',
      '..',
    ],
    ...['%', '{$x}', '\\"', '",', ',"', '=",', '\\",B=",URI=next.bin,C=",D="'],
  ),
  fc.string({ maxLength: 3, unit: 'binary' }),
)
const playlist = damaged(
  fc
    .tuple(
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: segment },
          { weight: 1, arbitrary: titled },
          { weight: 3, arbitrary: tag },
          { weight: 1, arbitrary: variant },
          { weight: 1, arbitrary: comment },
          { weight: 2, arbitrary: plain },
        ),
        { maxLength: 6 },
      ),
      fc.constantFrom('#EXT-X-TARGETDURATION:2', '#EXT-X-MEDIA-SEQUENCE:0', '# no #EXT-X-TARGETDURATION'),
      fc.constantFrom('\n', '\r\n'),
    )
    .map(([lines, first, end]) => ['#EXTM3U', first, ...lines, ''].join('\n').replaceAll('\n', end)),
  odd,
)

const rewrite = (text: string) => rewritePlaylist(text, 'hls', contextAt(PART))

describe('HLS', () => {
  test('no URL that a player would fetch from an accepted playlist leads out of the recording', () => {
    const runs = sample(2000, 60_000)
    let passed = 0
    fc.assert(
      fc.property(playlist, text => {
        const outcome = rewrite(text)
        if (outcome instanceof Refusal) return
        passed += 1
        for (const [player, see] of Object.entries(HLS_PLAYERS))
          expect([player, leadingOut(see(outcome, BASE))]).toEqual([player, []])
        expect(rewrite(outcome)).toBe(outcome)
      }),
      runs,
    )
    // A gate that refuses everything would pass too.
    expect(passed).toBeGreaterThan(runs.numRuns / 10)
  })

  test('every player of HLS would fetch a URL that leads out if the gate served it', () => {
    const bad =
      '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="//evil.example/i"\n#EXTINF:1,\n../../../x\n'
    const worse =
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="next.bin"\n#EXT-X-STREAM-INF:AUDIO="a"\nnext.bin\n'
    for (const [player, see] of Object.entries(HLS_PLAYERS)) {
      expect([player, leadingOut(see(bad, BASE)).toSorted()]).toEqual([
        player,
        ['https://evil.example/i', 'https://gate.example/x'],
      ])
      const next = `${INSIDE}video/next.bin`
      expect([player, leadingOut(see(worse, BASE))]).toEqual([player, [next, next]])
    }
    for (const text of [bad, worse]) expect(rewrite(text)).toBeInstanceOf(Refusal)
  })

  test('a playlist that needs no change is not changed', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            goodReference.map(uri => `#EXTINF:1,\n${uri}`),
            goodReference.map(uri => `#EXT-X-MAP:URI="${uri}"`),
            plain,
          ),
        ),
        fc.constantFrom('\n', '\r\n'),
        (lines, end) => {
          const text = ['#EXTM3U', '#EXT-X-TARGETDURATION:2', ...lines].join('\n').replaceAll('\n', end)
          expect(rewrite(text)).toBe(text)
        },
      ),
      sample(300, 20_000),
    )
  })
})
