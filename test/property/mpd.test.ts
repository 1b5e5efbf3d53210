import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPart } from '../../src/locate/names.ts'
import { rewritePlaylist } from '../../src/playlist/playlist.ts'
import { Refusal } from '../../src/refusal.ts'
import { DASH_PLAYERS, type Seen, seenByDashJs, seenByShakaDash } from '../support/player-parsers.ts'
import { sample } from '../support/sample.ts'
import { contextAt } from '../unit/playlist/context.ts'
import * as ffmpeg from '../unit/playlist/ffmpeg.ts'

const PART = 'video/main.mpd'
const INSIDE = 'https://gate.example/play/TICKET/'
const BASE = INSIDE + PART
const OWN = 'https://media.clinic.example/recordings/rec-013/'

const rewrite = (text: string) => rewritePlaylist(text, 'dash', contextAt(PART))

/** The URLs that lead out of the recording, or to a playlist that the gate doesn't read as an MPD. */
const leadingOut = ({ urls, playlists }: Seen): string[] => [
  ...urls.filter(url => !(URL.parse(url)?.href.startsWith(INSIDE) ?? false)),
  ...playlists.filter(url => {
    const part = (URL.parse(url)?.pathname ?? '').slice(new URL(INSIDE).pathname.length)
    return isPart(part) && !/\.mpd$/i.test(part)
  }),
]

const reference = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'a.m4s',
      './b.m4s',
      'c/d',
      'e/../f',
      'x?v=1&amp;w=2',
      '$RepresentationID$-$Number%05d$',
      '$Time$/$Bandwidth$',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('../audio/x', '../') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '$Bandwidth$$Bandwidth$evil.example/x',
      '$Bandwidth$$Bandwidth$/$RepresentationID$$RepresentationID$/x',
      '$Number$$Time$evil.example/$RepresentationID$',
      'c/$RepresentationID$/$RepresentationID$x',
      `${OWN}video/$RepresentationID$/x`,
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom('c/', './', 'c/d/', 'e/../') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(`${OWN}video/x`, `${OWN}`, `${OWN}video/`, '/recordings/rec-013/a/b?v=1'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'https://evil.example/',
      '//evil.example/x',
      '../../x',
      '..',
      '/',
      '\\\\evil.example\\',
      'https&#58;//evil.example/',
      '&#47;/evil.example/',
      '%2e%2e/%2e%2e/x',
      '$RepresentationID$../x',
      'java&#10;script:x',
      '/recordings/rec-014/',
      `${OWN}../rec-014/`,
      '',
    ),
  },
)
const hostileList = fc.constantFrom('nope //evil.example/t', 'next.bin', 'a &#47;/evil.example/')
/** A number, or a string that would change where a template leads. */
const value = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('0', '1', '48000', '-1', '9007199254740993') },
  fc.constantFrom('/', '.', '..', 'https:', '//evil.example/', '&#47;', ''),
)
const base = reference.map(url => `<BaseURL>${url}</BaseURL>`)
const segments = fc
  .tuple(
    fc.constantFrom(
      '<SegmentTemplate media="%" initialization="a.mp4" duration="2" timescale="1"/>',
      '<SegmentTemplate media="a" initialization="%" duration="2"/>',
      "<SegmentTemplate media='a' index = '%'/>",
      '<SegmentList><Initialization sourceURL="%"/><SegmentURL media="a"/></SegmentList>',
      '<SegmentList><SegmentURL media="a" index="%"/><SegmentURL media="b"/></SegmentList>',
      '<SegmentBase><RepresentationIndex sourceURL="%"/></SegmentBase>',
      '<SegmentTemplate media="%" timescale="1"><SegmentTimeline><S t="#" d="1"/></SegmentTimeline></SegmentTemplate>',
      '<SegmentTemplate media="%" startNumber="#"/>',
    ),
    reference,
    value,
  )
  .map(([pattern, url, one]) => pattern.replace('%', () => url).replace('#', () => one))
const other = fc
  .tuple(
    fc.constantFrom(
      '<Location>%</Location>',
      '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="%"/>',
      '<!-- % -->',
      '<Future a="%">text</Future>',
      '<Future nodeName="Location">%</Future>',
      '<Future nodeName="BaseURL">%</Future>',
      '<x:Location>%</x:Location>',
      '<Title>%</Title>',
      '<ProgramInformation moreInformationURL="%"><Source>%</Source></ProgramInformation>',
      '<PatchLocation>%</PatchLocation>',
      '<ContentSteering>%</ContentSteering>',
      '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="%"/>',
      '<Period><EventStream schemeIdUri="urn:mpeg:dash:event:alternativeMPD:insert:2025"><Event><InsertPresentation uri="%"/></Event></EventStream></Period>',
      '<BaseURL><![CDATA[%]]></BaseURL>',
      '<!-- <BaseURL>%</BaseURL> -->',
    ),
    fc.oneof({ weight: 4, arbitrary: reference }, hostileList),
  )
  .map(([pattern, url]) => pattern.replaceAll('%', () => url))
const some = (one: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(one, { maxLength }).map(all => all.join('\n'))
const element = (name: string, attributes: fc.Arbitrary<string>, ...content: fc.Arbitrary<string>[]) =>
  fc.tuple(attributes, ...content).map(([given, ...all]) => `<${name}${given}>${all.join('\n')}</${name}>`)
const representation = element(
  'Representation',
  fc.oneof(
    { weight: 3, arbitrary: value.map(one => ` id="v1" bandwidth="${one}"`) },
    fc.constantFrom(
      ' id="v1" x:id="."',
      ' id="v1" x:id="https:"',
      ' id="https:" bandwidth="1"',
      ' id="v1" x:bandwidth="/"',
    ),
    { weight: 9, arbitrary: fc.constantFrom(' id="v1"', ' id="0" bandwidth="1"', ' id="video/avc1/1"') },
    fc.constantFrom('', ' id=".."', ' id="a/../.."', ' id=""', ' media="/x"', ' id="https:"'),
  ),
  some(base, 1),
  some(segments, 1),
)
const adaptationSet = element(
  'AdaptationSet',
  fc.constantFrom('', ' contentType="video"'),
  some(base, 1),
  some(segments, 1),
  some(representation, 2),
)
const period = element(
  'Period',
  fc.constantFrom('', ' id="0"'),
  some(base, 1),
  some(segments, 1),
  some(adaptationSet, 2),
)
const mpd = element(
  'MPD',
  fc.constant(' xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT4S"'),
  some(other, 1),
  some(base, 2),
  some(period, 2),
)
const odd = fc.oneof(
  fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '/',
    '=',
    ' ',
    '&',
    ';',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '..',
    '//',
    ':',
    '\\',
    '%',
    '$',
    '../',
  ),
  fc.constantFrom(
    '<!-->',
    '<!--->',
    ' nodeName="BaseURL"',
    ' nodeName="Location"',
    '<Location>next.bin</Location>',
    '<BaseURL>//e/</BaseURL>',
    '&#58;',
    '&amp;',
    '\0',
    '\u2028',
    '\ufeff',
    '</',
    '/>',
    '<?x?>',
    'x:',
    '_',
  ),
  fc.string({ maxLength: 3, unit: 'binary' }),
)
/** An MPD with some of its characters changed. */
const playlist = fc
  .tuple(mpd, fc.array(fc.tuple(fc.nat(900), fc.nat(2), odd), { maxLength: 2 }))
  .map(([whole, changes]) =>
    changes.reduce((now, [at, length, change]) => {
      const from = at % (now.length + 1)
      return now.slice(0, from) + change + now.slice(from + length)
    }, whole),
  )

describe('DASH', () => {
  test('no URL that a player would fetch from an accepted MPD leads out of the recording', () => {
    const runs = sample(1500, 60_000)
    let passed = 0
    fc.assert(
      fc.property(playlist, text => {
        const outcome = rewrite(text)
        if (outcome instanceof Refusal) return
        passed += 1
        for (const [player, see] of Object.entries(DASH_PLAYERS))
          expect([player, leadingOut(see(outcome, BASE))]).toEqual([player, []])
        expect(rewrite(outcome)).toBe(outcome)
      }),
      runs,
    )
    // A gate that refuses everything would pass too.
    expect(passed).toBeGreaterThan(runs.numRuns / 20)
  })

  test('every player of DASH would fetch a URL that leads out if the gate served it', () => {
    const bad =
      '<MPD mediaPresentationDuration="PT2S"><Location>next.bin</Location><BaseURL>//evil.example/</BaseURL><Period><AdaptationSet mimeType="video/mp4"><SegmentTemplate media="x" initialization="i" duration="2"/><Representation id="1" bandwidth="1"/></AdaptationSet></Period></MPD>'
    for (const [player, see] of Object.entries(DASH_PLAYERS))
      expect([player, leadingOut(see(bad, BASE))]).toEqual([
        player,
        expect.arrayContaining(['https://evil.example/x', `${INSIDE}video/next.bin`]),
      ])
    const renamed = '<MPD><Future nodeName="Location">next.bin</Future></MPD>'
    expect(leadingOut(seenByDashJs(renamed, BASE))).toContain(`${INSIDE}video/next.bin`)
    const filled = (representation: string) =>
      `<MPD><Period><AdaptationSet><Representation ${representation}><SegmentTemplate media="$Bandwidth$$Bandwidth$evil.example/$RepresentationID$"/></Representation></AdaptationSet></Period></MPD>`
    for (const see of [seenByDashJs, seenByShakaDash])
      expect(leadingOut(see(filled('id="v" bandwidth="/"'), BASE))).toContain('https://evil.example/v')
    expect(leadingOut(seenByDashJs(filled('id="v" bandwidth="1"'), BASE))).toEqual([])
    for (const text of [bad, renamed, filled('id="v" bandwidth="/"')])
      expect(rewrite(text)).toBeInstanceOf(Refusal)
  })

  test('an MPD of ffmpeg is not changed, as all of its URLs lead inside', () => {
    for (const text of Object.values(ffmpeg)) {
      expect(rewrite(text)).toBe(text)
      for (const see of [seenByShakaDash, seenByDashJs]) {
        expect(see(text, BASE).urls.length).toBeGreaterThan(1)
        expect(leadingOut(see(text, BASE))).toEqual([])
      }
    }
  })
})
