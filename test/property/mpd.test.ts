import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rewritePlaylist } from '../../src/playlist/playlist.ts'
import { sample } from '../support/sample.ts'
import { shakaXml, type XmlNode } from '../support/shaka-xml.ts'
import { standsAt } from '../unit/playlist/context.ts'
import * as ffmpeg from '../unit/playlist/ffmpeg.ts'

const RUNS = sample(3000, 200_000)

const PART = 'video/main.mpd'
const INSIDE = 'https://gate.example/play/TICKET/'
const BASE = INSIDE + PART
/** What a base of a base may be: from there, only what names a host leads out. */
const DEEP = `${INSIDE}a/b/c/d/e/f/g/main.mpd`
const OWN = 'https://media.clinic.example/recordings/rec-013/'

const rewrite = (text: string) => rewritePlaylist(text, 'dash', standsAt(PART))
const isOutside = (url: string) => !(URL.parse(url)?.href.startsWith(INSIDE) ?? false)

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
const base = reference.map(url => `<BaseURL>${url}</BaseURL>`)
const segments = fc
  .tuple(
    fc.constantFrom(
      '<SegmentTemplate media="%" initialization="a.mp4"/>',
      "<SegmentTemplate media='a' index = '%'/>",
      '<SegmentList><Initialization sourceURL="%"/><SegmentURL media="a"/></SegmentList>',
      '<SegmentList><SegmentURL media="a" index="%"/><SegmentURL media="b"/></SegmentList>',
      '<SegmentBase><RepresentationIndex sourceURL="%"/></SegmentBase>',
    ),
    reference,
  )
  .map(([pattern, url]) => pattern.replace('%', () => url))
const other = fc
  .tuple(
    fc.constantFrom(
      '<Location>%</Location>',
      '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="%"/>',
      '<!-- % -->',
      '<Future a="%">text</Future>',
      '<Title>%</Title>',
      '<PatchLocation>%</PatchLocation>',
    ),
    reference,
  )
  .map(([pattern, url]) => pattern.replace('%', () => url))
const some = (one: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(one, { maxLength }).map(all => all.join('\n'))
const element = (name: string, attributes: fc.Arbitrary<string>, ...content: fc.Arbitrary<string>[]) =>
  fc.tuple(attributes, ...content).map(([given, ...all]) => `<${name}${given}>${all.join('\n')}</${name}>`)
const representation = element(
  'Representation',
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(' id="v1"', ' id="0" bandwidth="1"') },
    fc.constantFrom('', ' id=".."', ' id="a/b"', ' id=""'),
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
  fc.constant(' xmlns="urn:mpeg:dash:schema:mpd:2011"'),
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
/** With some of its characters changed. */
const playlist = fc
  .tuple(mpd, fc.array(fc.tuple(fc.nat(900), fc.nat(2), odd), { maxLength: 2 }))
  .map(([whole, changes]) =>
    changes.reduce((now, [at, length, change]) => {
      const place = at % (now.length + 1)
      return now.slice(0, place) + change + now.slice(place + length)
    }, whole),
  )

/** All that stands in quotes or between tags, as text and as it may be decoded, if one were to ask for it. */
function seenByAnyone(text: string): string[] {
  const names = /\s(?:xmlns(?::[^\s=]*)?|schemeIdUri|profiles)\s*=\s*(?:"[^"]*"|'[^']*')/g
  const plain = text.replace(/<!--[^<>]*-->/g, '').replace(names, '')
  const raw = [...plain.matchAll(/"([^"]*)"|'([^']*)'|>([^<]*)/g)].map(([, a, b, c]) =>
    (a ?? b ?? c ?? '').trim(),
  )
  const decoded = raw.map(one =>
    one.replace(/&#([0-9]+);/g, (_, code) => String.fromCharCode(Number(code))).replaceAll('&amp;', '&'),
  )
  // A URN is a name.
  return [...raw, ...decoded].filter(one => !/^urn:/i.test(one)).map(one => filled(one, 'v1'))
}

const filled = (template: string, id: string) =>
  template.replace(
    /\$(RepresentationID|Number|Time|Bandwidth|SubNumber)?(?:%0[0-9]+[diouxX])?\$/g,
    (_, name) => (name === undefined ? '$' : name === 'RepresentationID' ? id : '7'),
  )

const txml = shakaXml()
const children = (node: XmlNode, name?: string) =>
  node.children
    .filter(child => typeof child !== 'string')
    .filter(child => name === undefined || child.tagName === name)
const resolveAll = (bases: readonly string[], texts: readonly string[]) =>
  texts.length === 0
    ? bases
    : bases.flatMap(from => texts.map(to => URL.parse(to, from)?.href ?? `fails: ${to}`))

/** Every URL that shaka-player would make of an MPD: its own reader, and the way that it inherits bases and templates. */
function seenByShaka(text: string): string[] {
  const root = txml.parseXmlString(text, 'MPD')
  if (root === null) return []
  const texts = (node: XmlNode, name: string) => children(node, name).map(one => txml.getContents(one) ?? '')
  const documents = resolveAll([BASE], texts(root, 'Location'))
  const seen: string[] = [...documents]
  const walk = (node: XmlNode, around: readonly string[], inherited: readonly XmlNode[]) => {
    const bases = resolveAll(around, texts(node, 'BaseURL'))
    seen.push(...bases)
    const all = [...inherited, ...children(node).filter(one => one.tagName.startsWith('Segment'))]
    const urlsOf = (one: XmlNode): string[] => [
      ...['media', 'initialization', 'index', 'sourceURL'].flatMap(name => one.attributes[name] ?? []),
      ...children(one).flatMap(urlsOf),
    ]
    for (const url of all.flatMap(urlsOf))
      seen.push(...resolveAll(bases, [filled(url, node.attributes.id ?? '')]))
    for (const child of children(node))
      if (/^(?:Period|AdaptationSet|Representation)$/.test(child.tagName)) walk(child, bases, all)
  }
  walk(root, documents, [])
  for (const timing of children(root, 'UTCTiming'))
    seen.push(...resolveAll(documents, [timing.attributes.value ?? '']))
  return seen
}

describe('DASH', () => {
  test('whatever is stored, nothing that is passed on leads out of the recording', () => {
    let passed = 0
    fc.assert(
      fc.property(playlist, text => {
        const outcome = rewrite(text)
        if (!('text' in outcome)) return
        passed += 1
        expect(resolveAll([DEEP], seenByAnyone(outcome.text)).filter(isOutside)).toEqual([])
        const based = outcome.text.replace(/<BaseURL>[^<]*<\/BaseURL>/g, '')
        expect(resolveAll([BASE], seenByAnyone(based)).filter(isOutside)).toEqual([])
        expect(seenByShaka(outcome.text).filter(isOutside)).toEqual([])
        expect(rewrite(outcome.text)).toEqual(outcome)
      }),
      RUNS,
    )
    // A gate that refuses everything would pass too.
    expect(passed).toBeGreaterThan(RUNS.numRuns / 20)
  })

  test('what both look for is found where it is', () => {
    const bad =
      '<MPD><BaseURL>//evil.example/</BaseURL><Period><AdaptationSet><SegmentTemplate media="x"/></AdaptationSet></Period></MPD>'
    expect(seenByShaka(bad)).toContain('https://evil.example/x')
    expect(seenByAnyone(bad)).toContain('//evil.example/')
  })

  test('what ffmpeg writes, each of its references led inside already', () => {
    for (const text of Object.values(ffmpeg)) {
      expect(rewrite(text)).toEqual({ text })
      expect(seenByShaka(text).length).toBeGreaterThan(1)
      expect(seenByShaka(text).filter(isOutside)).toEqual([])
    }
  })
})
