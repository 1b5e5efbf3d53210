import fc from 'fast-check'
import { M3U8Parser, type PlaylistLevelType } from 'hls.js'
import { describe, expect, test } from 'vitest'
import { rewritePlaylist } from '../../src/playlist/playlist.ts'
import { sample } from '../support/sample.ts'
import { standsAt } from '../unit/playlist/context.ts'

const RUNS = sample(3000, 200_000)

const PART = 'video/main.m3u8'
const INSIDE = 'https://gate.example/play/TICKET/'
const BASE = INSIDE + PART

/** What leads out of a list of references, as a browser resolves them. */
const leadingOut = (references: readonly string[], base = BASE): string[] =>
  references.filter(reference => {
    const url = URL.parse(reference, base)
    return url === null || !url.href.startsWith(INSIDE)
  })

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
/** A text with some of its characters changed. */
const damaged = (text: fc.Arbitrary<string>, odd: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, fc.array(fc.tuple(fc.nat(400), fc.nat(2), odd), { maxLength: 2 })).map(([whole, changes]) =>
    changes.reduce((now, [at, length, change]) => {
      const place = at % (now.length + 1)
      return now.slice(0, place) + change + now.slice(place + length)
    }, whole),
  )
const reference = fc.oneof(
  { weight: 6, arbitrary: goodReference },
  { weight: 3, arbitrary: ownReference },
  { weight: 1, arbitrary: hostileReference },
)

describe('HLS', () => {
  const tag = fc
    .tuple(
      fc.constantFrom(
        ['KEY', 'METHOD=AES-128,URI="%",KEYFORMAT="identity"'],
        ['MAP', 'URI="%"'],
        ['SESSION-KEY', 'METHOD=AES-128,URI="%"'],
        ['MEDIA', 'TYPE=AUDIO,GROUP-ID="a",NAME="a, b",URI="%"'],
        ['I-FRAME-STREAM-INF', 'BANDWIDTH=1,URI="%"'],
        ['PART', 'DURATION=1,URI="%"'],
        ['PRELOAD-HINT', 'TYPE=PART,URI="%"'],
        ['RENDITION-REPORT', 'URI="%",LAST-MSN=1'],
        ['SESSION-DATA', 'DATA-ID="x",URI="%"'],
        ['DATERANGE', 'ID="x",START-DATE="2026-11-25T10:00:00Z",X-ASSET-URI="%"'],
        ['CONTENT-STEERING', 'SERVER-URI="%"'],
        ['DEFINE', 'NAME="x",VALUE="%"'],
        ['FUTURE', 'A=1, B="%"'],
        ['FUTURE', '%'],
      ),
      reference,
    )
    .map(([[name = '', list = ''], uri]) => `#EXT-X-${name}:${list.replace('%', uri)}`)
  const variant = reference.map(uri => `#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f"\n${uri}`)
  const segment = fc
    .tuple(fc.constantFrom('1,', '1.5,a title', '2'), reference)
    .map(([info, uri]) => `#EXTINF:${info}\n${uri}`)
  const plain = fc.constantFrom(
    '#EXT-X-VERSION:7',
    '#EXT-X-TARGETDURATION:2',
    '# comment',
    '',
    '#EXT-X-ENDLIST',
  )
  const odd = fc.oneof(
    fc.constantFrom(
      '"',
      "'",
      ',',
      '=',
      ' ',
      '\t',
      '#',
      '#EXT-X-MAP:URI="//e/x"',
      '#EXTINF:',
      '\\',
      '//e/x',
      '\r',
      '\n',
    ),
    fc.constantFrom(
      '\0',
      '\u2028',
      '\u0085',
      '\ufeff',
      '\u00a0',
      'URI="//e/x",',
      ':',
      '/',
      '..',
      '%',
      '{$x}',
      '\\"',
    ),
    fc.string({ maxLength: 3, unit: 'binary' }),
  )
  const playlist = damaged(
    fc
      .tuple(
        fc.array(
          fc.oneof(
            { weight: 3, arbitrary: segment },
            { weight: 2, arbitrary: tag },
            { weight: 1, arbitrary: variant },
            { weight: 2, arbitrary: plain },
          ),
          { maxLength: 6 },
        ),
        fc.constantFrom('\n', '\r\n'),
      )
      .map(([lines, end]) =>
        ['#EXTM3U', '#EXT-X-TARGETDURATION:2', ...lines, ''].join('\n').replaceAll('\n', end),
      ),
    odd,
  )

  /** All that stands where some player might look for a URI. */
  function seenByAnyone(text: string): string[] {
    return text.split(/[\r\n\u0085\u2028\u2029]+/).flatMap(line => {
      const trimmed = line.trim()
      if (!trimmed.startsWith('#')) return trimmed === '' ? [] : [line]
      if (!/^#ext|#\s*ext(?:m3u|inf|-)/i.test(trimmed)) return []
      const names = /(?:KEYFORMAT|CLASS)="[a-z][^"/]*"/g
      const quoted = [...trimmed.replace(names, '').matchAll(/"([^"]*)"?|=\s*'([^']*)'?/g)]
      const bare = [...trimmed.matchAll(/\buri\s*=\s*([^"',\s]+)/gi)]
      return [...quoted, ...bare].map(([, a, b]) => a ?? b ?? '')
    })
  }

  function seenByHlsJs(text: string): string[] {
    const master = M3U8Parser.parseMasterPlaylist(text, BASE)
    const medias = M3U8Parser.parseMasterPlaylistMedia(text, BASE, master)
    const level = M3U8Parser.parseLevelPlaylist(text, BASE, 0, 'main' as PlaylistLevelType, 0, null)
    const keys = (of: Partial<Record<string, { uri: string }>> | undefined) =>
      Object.values(of ?? {}).map(key => key?.uri)
    return [
      ...master.levels.map(one => one.url),
      ...master.iframeVariants.map(one => one.url),
      ...(master.sessionKeys ?? []).map(key => key.uri),
      ...Object.values(master.sessionData ?? {}).map(data => data.URI),
      master.contentSteering?.uri,
      ...Object.values(medias).flatMap(list => list?.map(one => one.url)),
      ...level.fragments.flatMap(one => [one.url, one.initSegment?.url, ...keys(one.levelkeys)]),
      ...(level.partList ?? []).map(one => one.url),
      level.preloadHint?.URI,
      ...(level.renditionReports ?? []).map(report => report.URI),
      ...Object.values(level.dateRanges).flatMap(range => [
        range?.attr['X-ASSET-URI'],
        range?.attr['X-ASSET-LIST'],
      ]),
    ].filter(url => url !== undefined && url !== '')
  }

  /** What hls.js asks for as a playlist, by names that the gate doesn't look at as one. */
  function unlooked(text: string): string[] {
    const master = M3U8Parser.parseMasterPlaylist(text, BASE)
    const medias = M3U8Parser.parseMasterPlaylistMedia(text, BASE, master)
    const level = M3U8Parser.parseLevelPlaylist(text, BASE, 0, 'main' as PlaylistLevelType, 0, null)
    return [
      ...[...master.levels, ...master.iframeVariants].map(one => one.url),
      ...Object.values(medias).flatMap(list => list?.map(one => one.url)),
      ...(level.renditionReports ?? []).map(report => URL.parse(report.URI, BASE)?.href),
      ...Object.values(level.dateRanges).map(range => range?.attr['X-ASSET-URI']),
    ].filter(url => url && !/\.m3u8?$|\/[^/.]+$/i.test(new URL(url, BASE).pathname)) as string[]
  }

  const rewrite = (text: string) => rewritePlaylist(text, 'hls', standsAt(PART))

  test('whatever is stored, nothing that is passed on leads out of the recording', () => {
    let passed = 0
    fc.assert(
      fc.property(playlist, text => {
        const outcome = rewrite(text)
        if (!('text' in outcome)) return
        passed += 1
        expect(leadingOut(seenByAnyone(outcome.text))).toEqual([])
        expect(leadingOut(seenByHlsJs(outcome.text))).toEqual([])
        expect(unlooked(outcome.text)).toEqual([])
        expect(rewrite(outcome.text)).toEqual(outcome)
      }),
      RUNS,
    )
    // A gate that refuses everything would pass too.
    expect(passed).toBeGreaterThan(RUNS.numRuns / 20)
  })

  test('what is well stays to the byte', () => {
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
          const text = ['#EXTM3U', ...lines].join('\n').replaceAll('\n', end)
          expect(rewrite(text)).toEqual({ text })
        },
      ),
      sample(300, 20_000),
    )
  })
})
