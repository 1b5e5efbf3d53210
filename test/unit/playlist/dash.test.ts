import { describe, expect, test } from 'vitest'
import { rewritePlaylist } from '../../../src/playlist/playlist.ts'
import { Refusal } from '../../../src/refusal.ts'
import { contextAt, INVALID, OUTSIDE } from './context.ts'
import * as ffmpeg from './ffmpeg.ts'

const rewrite = (text: string, part: string | undefined = 'manifest.mpd') =>
  rewritePlaylist(text, 'dash', contextAt(part))
const OWN = 'https://media.clinic.example/recordings/rec-013'

/** A `pssh` box of the system id of PlayReady, and nothing in it. */
const PLAYREADY_BOX = 'AAAANHBzc2gAAAAAmgTweZhAQoarkuZb4IhflQAAAAA='
const PARENTS: Readonly<Record<string, string>> = {
  MPD: '<MPD>%</MPD>',
  Period: '<MPD><Period>%</Period></MPD>',
  AdaptationSet: '<MPD><Period><AdaptationSet>%</AdaptationSet></Period></MPD>',
  Representation:
    '<MPD><Period><AdaptationSet><Representation id="v1">%</Representation></AdaptationSet></Period></MPD>',
}
const inside = (parent: string, text: string) => (PARENTS[parent] ?? '').replace('%', () => text)
/** Rewrites a piece of an MPD inside one of its elements. */
const piece = (text: string, parent = 'Representation', part = 'manifest.mpd') => {
  const outcome = rewrite(inside(parent, text), part)
  const [before = '', after = ''] = (PARENTS[parent] ?? '').split('%')
  return outcome instanceof Refusal ? outcome : outcome.slice(before.length, -after.length)
}

describe('unchanged documents', () => {
  test.each(Object.entries(ffmpeg))('the MPD "%s" of ffmpeg is not changed', (_, text) => {
    expect(rewrite(text)).toBe(text)
    expect(rewrite(text, 'a/b/manifest.mpd')).toBe(text)
    const onWindows = text.replaceAll('\n', '\r\n')
    expect(rewrite(onWindows)).toBe(onWindows)
    expect(rewrite(`\ufeff${text}`)).toBe(text)
    expect(rewritePlaylist(text, 'dash', contextAt(undefined))).toEqual(OUTSIDE)
  })

  test.each([
    '<!--Generated with https://github.com/shaka-project/shaka-packager version v3.2.0-->',
    '<BaseURL>video.mp4</BaseURL>',
    '<BaseURL>\n  video/\n</BaseURL>',
    '<BaseURL serviceLocation="a">./</BaseURL>',
    '<ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc" cenc:default_KID="1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"/>',
    '<ContentProtection schemeIdUri="urn:uuid:edef8ba9"><cenc:pssh>AAAANHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h/w==</cenc:pssh></ContentProtection>',
    '<SupplementalProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/>',
    '<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>',
    '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-11-25T10:00:00Z"/>',
    '<Label>Dr Müller &amp; Ms Hale, 12:30</Label>',
    '<SegmentTemplate media="$RepresentationID$/seg-$Number%05d$.m4s?v=1&amp;w=$Time$" initialization="$Bandwidth$.mp4"/>',
    '<Event presentationTime="0" messageData="x"/>',
    '<ProgramInformation moreInformationURL="https://gpac.io/"><Title>Consultation: follow-up, https://x/</Title><Source>//x/</Source><Copyright>../x</Copyright></ProgramInformation>',
    '<ProgramInformation xmlns:foo="urn:foo"><foo:Publisher>http://c.d</foo:Publisher><Note>../x</Note></ProgramInformation>',
    '<ProgramInformation><Title>R&amp;D; follow-up</Title><Source>Say &amp;quot;Ah&amp;quot;</Source></ProgramInformation>',
    '<ProgramInformation moreInformationURL="https://clinic.example/?a=1&amp;amp;b"/>',
    '<Title>Consultation: follow-up</Title>',
    '<Title><![CDATA[Consultation <1> & 2]]></Title>',
    '<Label>Camera: patient -> doctor</Label>',
    '<AssetIdentifier schemeIdUri="urn:org:dashif:asset-id:2013" value="md:cid:EIDR:10.5240%2f0EFB"/>',
    '<!-- audio -> video, <BaseURL>https://x/</BaseURL> -->',
    '<Event><Signal><Binary>/DAhAAAAAAAAAP/wEAUAAAHAf8</Binary></Signal></Event>',
    '<Event contentEncoding="base64">aHR0cHM6Ly9ldmlsLmV4YW1wbGUv</Event>',
    '<Accessibility schemeIdUri="urn:scte:dash:cc:cea-708:2015" value="1=lang:eng;2=lang:deu"/>',
    '<AdaptationSet bitstreamSwitching="true" label="a > b"/>',
    '<ContentProtection schemeIdUri="urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95" value="MSPR 2.0"/>',
    '<SupplementalProperty schemeIdUri="urn:dvb:dash:fontdownload:2014" dvb:url="fonts/a.woff" dvb:fontFamily="A"/>',
    'text <b/> beside elements',
  ])('an MPD with %s is not changed', text => expect(piece(text)).toBe(text))
})

describe('references', () => {
  test.each([
    '<SegmentTemplate media="%s"/>',
    '<SegmentTemplate index="%s"/>',
    '<SegmentTemplate initialization="%s"/>',
    '<SegmentTemplate bitstreamSwitching="%s"/>',
    '<SegmentList><SegmentURL media="%s"/></SegmentList>',
    "<SegmentList><SegmentURL index='%s'/></SegmentList>",
    '<SegmentBase><Initialization sourceURL="%s"/></SegmentBase>',
    '<SegmentBase><RepresentationIndex sourceURL="%s"/></SegmentBase>',
    '<SegmentList><BitstreamSwitching sourceURL="%s"/></SegmentList>',
    '<x:SegmentTemplate media="%s"/>',
    '<SegmentTemplate x:media="%s"/>',
    '<BaseURL>%s</BaseURL>',
    '<x:BaseURL> %s\n</x:BaseURL>',
  ])('a reference in %s is kept, made relative or refused', pattern => {
    const of = (reference: string, part = 'video/main.mpd') =>
      piece(pattern.replace('%s', reference), 'Representation', part)
    expect(of('seg-0.m4s?a=1&amp;b=2')).toBe(pattern.replace('%s', 'seg-0.m4s?a=1&amp;b=2'))
    expect(of('../audio/x')).toBe(pattern.replace('%s', '../audio/x'))
    expect(of(`${OWN}/video/seg-0.m4s`)).toBe(pattern.replace('%s', 'seg-0.m4s'))
    expect(of('/recordings/rec-013/audio/x?a=1&amp;b=2')).toBe(
      pattern.replace('%s', '../audio/x?a=1&amp;b=2'),
    )
    for (const out of ['https://evil.example/x', '//evil.example/x', '/recordings/rec-014/x', '../../x'])
      expect(of(out)).toEqual(OUTSIDE)
    for (const odd of ['a%2fb', 'a\\b', 'a b', '&#97;', 'a&lt;', 'a#b', 'x&amp;y'])
      expect(of(odd)).toEqual(INVALID)
    expect(rewritePlaylist(inside('MPD', pattern.replace('%s', 'x')), 'dash', contextAt(undefined))).toEqual(
      OUTSIDE,
    )
  })

  test.each([
    '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="https://evil.example/"/>',
    '<ContentProtection schemeIdUri="urn:uuid:x"><dashif:Laurl>https://evil.example/</dashif:Laurl></ContentProtection>',
    '<ContentProtection schemeIdUri="urn:uuid:x"><ms:laurl licenseUrl="https://evil.example/"/></ContentProtection>',
    '<Title>//evil.example/x</Title>',
    '<Publisher>//evil.example/x</Publisher>',
    '<ProgramInformation><Label>//evil.example/x</Label></ProgramInformation>',
    '<ProgramInformation><foo:Publisher><Future>//evil.example/x</Future></foo:Publisher></ProgramInformation>',
    '<ProgramInformation><Location>//evil.example/x</Location></ProgramInformation>',
    '<ProgramInformation><foo:PatchLocation>x</foo:PatchLocation></ProgramInformation>',
    '<ProgramInformation><foo:otherUrl>x</foo:otherUrl></ProgramInformation>',
    '<ProgramInformation><foo:Publisher xlink:href="x"/></ProgramInformation>',
    '<ContentProtection schemeIdUri="urn:uuid:x"><dashif:laurl>licence</dashif:laurl></ContentProtection>',
    '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-head:2014" value="nope //evil.example/t"/>',
    '<UTCTiming value="2026-11-25T10:00:00Z"/>',
    '<Future a="nope //evil.example/t"/>',
    '<Future a="center / contain url(//evil.example/t)"/>',
    '<Future>nope\n//evil.example/t</Future>',
    '<Future><![CDATA[//evil.example/t]]></Future>',
    '<Future a="https&#58;//evil.example/"/>',
    '<Future a="java&#10;script:x"/>',
    '<Future a=" javascript:x"/>',
    '<Future a="../x"/>',
    '<Future a="%2e%2e/x"/>',
    '<Future a="\\\\evil.example"/>',
    '<Future a="x\\..\\..\\y"/>',
    '<ContentSteering>https://evil.example/</ContentSteering>',
    '<ContentSteering proxyServerURL="https://evil.example/">x</ContentSteering>',
    '<PatchLocation>../x</PatchLocation>',
    '<Location>https://evil.example/</Location>',
    '<AdaptationSet xlink:href="https://evil.example/"/>',
    '<AdaptationSet q:href="urn:mpeg:dash:resolve-to-zero:2013"/>',
  ])('an MPD with %s is refused', text =>
    expect(['playlist_outside', 'playlist_invalid']).toContain(refusalOf(piece(text))),
  )

  test.each([
    '<Future a="https://evil.example/"/>',
    '<Title>https://evil.example/x</Title>',
    '<Label>https://evil.example/x</Label>',
    '<Location>https://evil.example/</Location>',
    '<ContentSteering>https://evil.example/</ContentSteering>',
    '<Period xlink:href="https://evil.example/"/>',
  ])('an MPD with %s is refused as outside', text => expect(piece(text)).toEqual(OUTSIDE))
})

// dash.js keeps what is not a number as a string, and fills it in for `$Bandwidth$` and the like.
describe('numbers', () => {
  const refusal = (tag: string, attribute: string) => ({
    reason: 'playlist_invalid',
    position: { line: 1, tag, attribute },
  })
  test.each<[string, string]>([
    ['Representation', 'bandwidth'],
    ['AdaptationSet', 'bandwidth'],
    ['SegmentTemplate', 'startNumber'],
    ['SegmentTemplate', 'endNumber'],
    ['SegmentTemplate', 'timescale'],
    ['SegmentTemplate', 'presentationTimeOffset'],
    ['SegmentTemplate', 'eptDelta'],
    ['SegmentTemplate', 'duration'],
    ['SegmentList', 'duration'],
    ...['t', 'd', 'r', 'k', 'n', 'tManifest'].map((name): [string, string] => ['S', name]),
  ])('an element %s is refused if its %s is not a number', (element, attribute) => {
    const known = element === 'S' ? 'other' : element
    for (const text of [
      '/',
      '.',
      'https:',
      '',
      ' ',
      '1 ',
      '1e3',
      '+1',
      '1.',
      '.5',
      '&#49;/',
      'a',
      '1'.repeat(21),
    ])
      expect(piece(`<${element} ${attribute}="${text}"/>`)).toEqual(refusal(known, attribute))
    expect(piece(`<${element} x:${attribute}="/"/>`)).toEqual(refusal(known, attribute))
    for (const text of ['0', '1', '-1', '9007199254740993', '1.5', '&#49;'])
      expect(piece(`<${element} ${attribute}="${text}"/>`)).toEqual(expect.any(String))
  })

  test('the duration of a Period need not be a number', () =>
    expect(piece('<Period duration="PT1S"/>', 'MPD')).toBe('<Period duration="PT1S"/>'))
})

function refusalOf(outcome: ReturnType<typeof piece>): string | undefined {
  return outcome instanceof Refusal ? outcome.reason : undefined
}

describe('documents of further URLs', () => {
  test.each([
    '<ContentSteering>steering.json</ContentSteering>',
    '<PatchLocation>patch.mpp</PatchLocation>',
    '<ImportedMPD>other.mpd</ImportedMPD>',
    '<Period xlink:href="period.xml"/>',
    '<Period q:href="period.xml"/>',
    '<SegmentList href="list.xml"/>',
    '<Event><ReplacePresentation url="other.mpd"/></Event>',
    '<Event><InsertPresentation uri="other.mpd"/></Event>',
    '<Event><OverlayEvent uri="picture.png"/></Event>',
    '<EventStream schemeIdUri="urn:mpeg:dash:event:alternativeMPD:insert:2025"/>',
    '<EventStream schemeIdUri="urn:svta:advertising-wg:ad-creative-signaling"/>',
    '<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="next.bin"/>',
    '<EssentialProperty schemeIdUri="urn:mpeg:dash:fallback:2016" value="next.bin"/>',
    '<Metrics><Reporting dvb:reportingUrl="report"/></Metrics>',
    '<Location>manifest.mpd</Location>',
    '<x:Location>manifest.mpd</x:Location>',
    '<Location>/recordings/rec-013/manifest.mpd</Location>',
    '<Location/>',
    '<Future nodeName="Location">next.bin</Future>',
    '<Future Location="next.bin"/>',
    '<ContentProtection><mspr:pro>AAAA</mspr:pro></ContentProtection>',
    `<ContentProtection><cenc:pssh>${PLAYREADY_BOX}</cenc:pssh></ContentProtection>`,
    `<ContentProtection>\n<cenc:pssh>\n${PLAYREADY_BOX.slice(0, 11)}\n${PLAYREADY_BOX.slice(11)}</cenc:pssh></ContentProtection>`,
    '<ContentProtection schemeIdUri="urn:uuid:9A04F079-9840-4286-AB92-E65BE0885F95"><cenc:pssh>AAAA</cenc:pssh></ContentProtection>',
    '<ContentProtection schemeIdUri="urn:uuid:&#57;a04f079-9840-4286-ab92-e65be0885f95"><cenc:pssh>AAAA</cenc:pssh></ContentProtection>',
    '<ContentProtection><cenc:pssh>&#65;AAA</cenc:pssh></ContentProtection>',
    ...[
      'AAAA<!-- -->',
      '<!-- -->AAAA',
      'AAAA<![CDATA[AAAA]]>',
      '<![CDATA[AAAA]]>',
      'AAAA<x/>',
      '<x>AAAA</x>',
    ].map(content => `<ContentProtection><cenc:pssh>${content}</cenc:pssh></ContentProtection>`),
    `<ContentProtection><cenc:pssh>${PLAYREADY_BOX.slice(0, 20)}<!-- -->${PLAYREADY_BOX.slice(20)}</cenc:pssh></ContentProtection>`,
  ])('an MPD with %s is refused, as the gate does not rewrite what it refers to', text =>
    expect(piece(text)).toEqual(INVALID),
  )
})

describe('BaseURL', () => {
  const base = (reference: string) => `<BaseURL>${reference}</BaseURL>`
  const nested = (mpd: string, period: string, media: string) =>
    `<MPD>${mpd}<Period>${period}<AdaptationSet><SegmentTemplate media="${media}"/></AdaptationSet></Period></MPD>`

  test.each(Object.keys(PARENTS))('a BaseURL in the element %s is made relative or refused', parent => {
    expect(piece(base(`${OWN}/video/`), parent)).toBe(base('video/'))
    expect(piece(base(`${OWN}/`), parent)).toBe(base('./'))
    expect(piece(base(`${OWN}/`), parent, 'a/b/main.mpd')).toBe(base('../../'))
    expect(piece(base(`${OWN}/a/`), parent, 'a/b/main.mpd')).toBe(base('../'))
    expect(piece(base('/recordings/rec-013/a/c/?v=1'), parent, 'a/b/main.mpd')).toBe(base('../c/?v=1'))
    for (const out of [
      'https://evil.example/',
      '../',
      '..',
      'a/../../',
      `${OWN}`,
      '/recordings/',
      '/',
      '//e/',
    ])
      expect(piece(base(out), parent)).toEqual(OUTSIDE)
    for (const odd of [
      '',
      ' ',
      '$RepresentationID$/',
      'a\u00a0',
      '\u00a0..',
      '<!--x-->x',
      'x<!--x-->',
      '<b/>',
    ])
      expect(piece(base(odd), parent)).toEqual(INVALID)
  })

  test.each(['<SegmentTemplate>%</SegmentTemplate>', '<EmptyAdaptationSet>%</EmptyAdaptationSet>'])(
    'a BaseURL is refused in another element: %s',
    pattern => expect(piece(pattern.replace('%', base('x')), 'Period')).toEqual(INVALID),
  )

  test('a BaseURL is resolved against those of the elements around it', () => {
    const well = nested(base('a/'), base('../b/'), 'x')
    expect(rewrite(well)).toBe(well)
    expect(rewrite(nested(base('a/'), base('../../b/'), 'x'))).toEqual(OUTSIDE)
    expect(rewrite(nested(base('a.mp4'), base('../b/'), 'x'))).toEqual(OUTSIDE)
    expect(rewrite(nested(base('a/b/c/d/'), base('e/f/g/h/'), 'x'))).toEqual(INVALID)
    expect(rewrite(nested(base(`${OWN}/a/`), base(`${OWN}/b/`), 'x'))).toBe(
      nested(base('a/'), base('../b/'), 'x'),
    )
  })

  test('a BaseURL must lead inside with every alternative around it', () => {
    expect(rewrite(nested(base('a/') + base('b/'), base('../'), 'x'))).toEqual(expect.any(String))
    expect(rewrite(nested(base('a/') + base('b.mp4'), base('../'), 'x'))).toEqual(OUTSIDE)
    // Made relative it could fit only one of them.
    expect(rewrite(nested(base('a/') + base('b/'), base(`${OWN}/c/`), 'x'))).toEqual(INVALID)
  })

  test('a BaseURL counts even if it comes after what it applies to', () => {
    expect(piece(`<SegmentTemplate media="../x"/>${base('a/')}`, 'Period')).toEqual(OUTSIDE)
    expect(
      rewrite(
        `<MPD><Period><AdaptationSet>${base('../x/')}</AdaptationSet>${base('b.mp4')}</Period>${base('a/')}</MPD>`,
      ),
    ).toEqual(expect.any(String))
  })

  test('a BaseURL applies to every reference of the document, in its own element or not', () => {
    expect(rewrite(nested(base('a/'), '', '../x'))).toEqual(OUTSIDE)
    expect(rewrite(nested(base('a/'), '', '../x'), 'b/main.mpd')).toEqual(expect.any(String))
    expect(rewrite(nested(base('a/b/c/d/e/f/'), '', 'g/h'))).toEqual(expect.any(String))
    expect(rewrite(nested(base('a/b/c/d/e/f/'), '', 'g/h/i'))).toEqual(INVALID)
  })
})

describe('templates', () => {
  const of = (media: string, ids: readonly string[] = ['v1']) =>
    rewrite(
      `<MPD><Period><AdaptationSet><SegmentTemplate media="${media}"/>${ids.map(id => `<Representation ${id === '' ? '' : `id="${id}"`}/>`).join('')}</AdaptationSet></Period></MPD>`,
    )
  const mediaOf = (outcome: ReturnType<typeof of>) =>
    outcome instanceof Refusal ? outcome : /media="([^"]*)"/.exec(outcome)?.[1]

  test('a template is made relative as it is written', () => {
    expect(mediaOf(of(`${OWN}/v/$RepresentationID$/$Number%05d$.m4s?t=$Time$`))).toBe(
      'v/$RepresentationID$/$Number%05d$.m4s?t=$Time$',
    )
    expect(mediaOf(of(`${OWN}/$RepresentationID$/$Number$`, ['video/avc1/1', '0']))).toBe(
      '$RepresentationID$/$Number$',
    )
    // Which recording this names depends on the id.
    expect(of('/recordings/$RepresentationID$/$Number$', ['rec-013'])).toBeInstanceOf(Refusal)
  })

  test('a template is refused if an id that fills it in is not a plain name', () => {
    for (const id of ['..', 'a/../b', '../..', '.', '', '/a', 'a//b', 'a&#47;b', 'a b', 'https:a'])
      expect(of('$RepresentationID$/x', ['v1', id])).toBeInstanceOf(Refusal)
    expect(of('$RepresentationID$/x', ['v1', '//evil.example'])).toEqual(OUTSIDE)
    expect(of('$Number$/x', ['a/b', 'a b'])).toEqual(expect.any(String))
    expect(of('$RepresentationID$/x', [])).toEqual(INVALID)
  })

  test('a template is checked with every id, whatever its prefix and the case of its element', () => {
    const withId = (representation: string) =>
      piece(`<SegmentTemplate media="$RepresentationID$$RepresentationID$/x"/>${representation}`, 'Period')
    expect(withId('<Representation x:id="v" id="w"/>')).toEqual(expect.any(String))
    expect(withId('<Representation x:id="." id="v"/>')).toEqual(INVALID)
    expect(withId('<Representation id="v" x:id="/"/>')).toEqual(INVALID)
    expect(withId('<Representation id="v"/><representation id="."/>')).toEqual(INVALID)
  })

  test('a template that is filled in with an id with a colon needs a folder before it', () => {
    expect(mediaOf(of('seg/$RepresentationID$/x', ['video:1', 'https:']))).toBe('seg/$RepresentationID$/x')
    expect(mediaOf(of(`${OWN}/seg/$RepresentationID$/x`, ['video:1']))).toBe('seg/$RepresentationID$/x')
    expect(of('$RepresentationID$/x', ['video:1'])).toEqual(INVALID)
    // In what is written there is no folder before it.
    expect(of(`${OWN}/$RepresentationID$/x`, ['video:1'])).toEqual(INVALID)
    expect(of('seg/$RepresentationID$/x', ['video:1', 'https://evil.example'])).toEqual(OUTSIDE)
  })

  test('a template may be filled in with ids that are paths if all of them stay inside', () => {
    expect(of('$RepresentationID$/x', ['video/avc1/1', 'audio/en'])).toEqual(expect.any(String))
    expect(of('$RepresentationID$/../x', ['video/avc1', 'audio'])).toEqual(expect.any(String))
    expect(of('$RepresentationID$/../../x', ['video/avc1'])).toEqual(expect.any(String))
    expect(of('$RepresentationID$/../../x', ['video/avc1', 'audio'])).toEqual(OUTSIDE)
    expect(of('$RepresentationID$/x', ['a/b/c/d/e/f/g'])).toEqual(expect.any(String))
    expect(of('$RepresentationID$/x', ['a', 'a/b/c/d/e/f/g/h'])).toEqual(INVALID)
  })

  test('a template is checked with the longest id', () => {
    expect(of('$RepresentationID$x', ['a'.repeat(99)])).toEqual(expect.any(String))
    expect(of('$RepresentationID$/$RepresentationID$$RepresentationID$x', ['v1', 'a'.repeat(100)])).toEqual(
      INVALID,
    )
  })

  test.each([
    '$$',
    'a$',
    '$Unknown$',
    '$Number%05x$',
    '$RepresentationID%02d$',
    '$Bandwidth$..',
    '$Time$./x',
  ])('the template %s is refused', media => expect(of(media)).toEqual(INVALID))
})

describe('refused documents', () => {
  test.each([
    ['no content', ''],
    ['another root', '<Patch/>'],
    ['the first line of HLS', '#EXTM3U\n'],
    ['a DOCTYPE', '<!DOCTYPE MPD [<!ENTITY x "y">]><MPD/>'],
    ['CDATA', '<MPD><BaseURL><![CDATA[https://evil.example/]]></BaseURL></MPD>'],
    ['a processing instruction', '<?xml-stylesheet href="https://evil.example/"?><MPD/>'],
    ['a comment that ends early for some players', '<MPD><!--><BaseURL>//evil.example/</BaseURL>--></MPD>'],
    ['an attribute twice', '<MPD a="1" a="2"/>'],
    ['xml:base', '<MPD xml:base="x"/>'],
    [
      'events that make a player send requests',
      '<MPD><InbandEventStream schemeIdUri="urn:mpeg:dash:event:callback:2015"/></MPD>',
    ],
    [
      'an encoded scheme of events that make a player send requests',
      '<MPD><EventStream schemeIdUri="urn:mpeg:dash:event:c&#97;llback:2015"/></MPD>',
    ],
    ['an attribute that decodes twice', '<MPD label="&amp;#47;&amp;#47;evil.example/"/>'],
    ['character data that decodes twice', '<MPD><Label>&#38;#47;/evil.example/</Label></MPD>'],
    ['a BaseURL that decodes twice', '<MPD><BaseURL>x&amp;amp;</BaseURL></MPD>'],
    [
      'a scheme that decodes twice',
      '<MPD><EventStream schemeIdUri="urn:mpeg:dash:event:c&amp;#97;llback:2015"/></MPD>',
    ],
    ['two byte order marks', '\ufeff\ufeff<MPD/>'],
    ['the first line of HLS, in a comment', '<MPD><!--\n#EXTM3U\n--></MPD>'],
    ['a segment of HLS, in a comment', '<MPD><!--\n#EXTINF:1,\n//evil.example/x\n--></MPD>'],
    [
      'a tag of HLS, in a title',
      '<MPD><ProgramInformation><Title>#EXT-X-KEY</Title></ProgramInformation></MPD>',
    ],
    ['a tag of HLS in lower case', '<MPD label="#ext-x-key"/>'],
  ])('an MPD with %s is refused as invalid', (_, text) => expect(rewrite(text)).toEqual(INVALID))
})

test.each<[string, string, object]>([
  ['a tag of HLS', '<MPD>\n<!--#EXTM3U--></MPD>', { line: 2 }],
  ['a BaseURL', '<MPD>\n<BaseURL>\n../</BaseURL></MPD>', { line: 3, tag: 'BaseURL' }],
  [
    'a reference',
    '<MPD>\n<SegmentURL\nmedia="../x"/></MPD>',
    { line: 3, tag: 'SegmentURL', attribute: 'media' },
  ],
  [
    'a template',
    '<MPD>\n<SegmentTemplate media="$x$"/></MPD>',
    { line: 2, tag: 'SegmentTemplate', attribute: 'media' },
  ],
])('the refusal of %s in an MPD has its position', (_, text, position) =>
  expect(rewrite(text)).toHaveProperty('position', position),
)

test('each of several references in an MPD is made relative', () => {
  const mpd = (a: string, b: string) =>
    `<MPD><BaseURL>x/</BaseURL><S media="${a}" index='${b}' id="c"/></MPD>`
  expect(rewrite(mpd('a', 'b'))).toBe(mpd('a', 'b'))
  const alone = (a: string, b: string) => `<MPD><S media="${a}" index='${b}' id="c"/></MPD>`
  expect(rewrite(alone(`${OWN}/a?b=1&amp;c=2`, `${OWN}/d`))).toBe(alone('a?b=1&amp;c=2', 'd'))
})
