import { expect, test } from 'vitest'
import { readMpd } from '../../../src/playlist/mpd.ts'
import { Refusal } from '../../../src/refusal.ts'

/** The MPD of a source that is not refused. */
function read(source: string): Exclude<ReturnType<typeof readMpd>, Refusal> {
  const mpd = readMpd(source)
  if (mpd instanceof Refusal) throw new Error(JSON.stringify(mpd))
  return mpd
}

test('readMpd finds references with their role, value and position, in document order', () => {
  const source = `<MPD>
<BaseURL>
  a/?x=1&amp;y=2
</BaseURL><Period><x:SegmentTemplate x:media='b&amp;c' index="" initialization="&#97;"/></Period></MPD>`
  const { references } = read(source)
  expect(references).toEqual([
    expect.objectContaining({ role: 'base', value: 'a/?x=1&y=2', element: 'BaseURL', attribute: undefined }),
    expect.objectContaining({
      role: 'template',
      value: 'b&c',
      element: 'SegmentTemplate',
      attribute: 'media',
    }),
    expect.objectContaining({ value: '&#97;', element: 'SegmentTemplate', attribute: 'initialization' }),
  ])
  expect(references.map(({ from, to }) => source.slice(from, to))).toEqual([
    'a/?x=1&amp;y=2',
    'b&amp;c',
    '&#97;',
  ])
})

test('readMpd nests the scopes of bases as their elements are nested', () => {
  const base = (name: string) => `<BaseURL>${name}</BaseURL>`
  const { scopes } = read(
    `<MPD><Period><AdaptationSet>${base('a')}${base('b')}</AdaptationSet><AdaptationSet><Representation id="v">${base('c')}</Representation></AdaptationSet>${base('d')}</Period>${base('e')}</MPD>`,
  )
  const shown = scopes.map(({ parent, bases }) => ({
    bases: bases.map(({ value }) => value),
    parent: parent && scopes.indexOf(parent),
  }))
  const at = (value: string) => shown.findIndex(({ bases }) => bases[0] === value)
  expect(shown[0]).toEqual({ bases: [], parent: undefined })
  expect(shown[at('e')]).toEqual({ bases: ['e'], parent: 0 })
  expect(shown[at('d')]).toEqual({ bases: ['d'], parent: at('e') })
  expect(shown[at('a')]).toEqual({ bases: ['a', 'b'], parent: at('d') })
  // An AdaptationSet without a BaseURL is between them.
  expect(shown[shown[at('c')]?.parent ?? 0]).toEqual({ bases: [], parent: at('d') })
  for (const [index, { parent }] of shown.entries()) expect(parent ?? -1).toBeLessThan(index)
})

test('readMpd creates no scope for an element without a BaseURL', () =>
  expect(read('<MPD><Period><AdaptationSet/></Period><Period/></MPD>').scopes).toHaveLength(1))

test('readMpd collects the ids of Representations as they are written, and notices a missing one', () => {
  const ids = (source: string) => [...read(`<MPD id="m"><Period id="p">${source}</Period></MPD>`).ids]
  expect(ids('')).toEqual([])
  expect(
    ids('<Representation id="a"/><Representation id="a"/><x:REPRESENTATION x:id="b" id="&#99;"/>'),
  ).toEqual(['a', 'b', '&#99;'])
  expect(ids('<Representation id="a"/><Representation/>')).toEqual(['a', undefined])
  expect(ids('<SubRepresentation id="a"/>')).toEqual([])
})

test.each<[string, string, string, object]>([
  ['another root', '<a>\n<MPD/></a>', 'playlist_invalid', { line: 1, tag: 'other' }],
  ['an element that is not closed', '<MPD>\n<Period></MPD>', 'playlist_invalid', { line: 2 }],
  [
    'a link',
    '<MPD>\n<Period\nxlink:href="x"/></MPD>',
    'playlist_invalid',
    { line: 3, tag: 'Period', attribute: 'href' },
  ],
  [
    'a link out',
    '<MPD>\n<Period\nhref="//e/x"/></MPD>',
    'playlist_outside',
    { line: 3, tag: 'Period', attribute: 'href' },
  ],
  [
    'a value that is not a number',
    '<MPD>\n<S\nd="x"/></MPD>',
    'playlist_invalid',
    { line: 3, tag: 'other', attribute: 'd' },
  ],
  [
    'a value that leads out',
    '<MPD>\n<Period\nid="//e/x"/></MPD>',
    'playlist_outside',
    { line: 3, tag: 'Period', attribute: 'id' },
  ],
  [
    'a value that decodes twice',
    '<MPD>\n<Period\nid="&amp;lt;"/></MPD>',
    'playlist_invalid',
    { line: 3, tag: 'Period', attribute: 'id' },
  ],
  [
    'a refused scheme',
    '<MPD>\n<Event\nschemeIdUri="urn:mpeg:dash:chaining:2016"/></MPD>',
    'playlist_invalid',
    { line: 3, tag: 'Event', attribute: 'schemeIdUri' },
  ],
  [
    'a scheme that decodes twice',
    '<MPD>\n<Event\nschemeIdUri="&amp;lt;"/></MPD>',
    'playlist_invalid',
    { line: 3, tag: 'Event', attribute: 'schemeIdUri' },
  ],
  [
    'a refused element',
    '<MPD>\n<Location\n>x</Location></MPD>',
    'playlist_invalid',
    { line: 2, tag: 'Location' },
  ],
  [
    'an element that leads out',
    '<MPD>\n<Location\n>//e/x</Location></MPD>',
    'playlist_outside',
    { line: 2, tag: 'Location' },
  ],
  ['an empty element', '<MPD>\n<Location/></MPD>', 'playlist_invalid', { line: 2, tag: 'Location' }],
  [
    'a clock without a scheme',
    '<MPD>\n<UTCTiming\nvalue="x"/></MPD>',
    'playlist_invalid',
    { line: 2, tag: 'UTCTiming' },
  ],
  [
    'character data that leads out',
    '<MPD>\n<Label\n>//e/x</Label></MPD>',
    'playlist_outside',
    { line: 3, tag: 'Label' },
  ],
  [
    'encoded data that leads out',
    '<MPD>\n<Label>&#47;/e/x</Label></MPD>',
    'playlist_outside',
    { line: 2, tag: 'Label' },
  ],
  [
    'data that leads out once it is decoded',
    '<MPD>\n<Label>x&lt;//e/x</Label></MPD>',
    'playlist_outside',
    { line: 2, tag: 'Label' },
  ],
  [
    'data that decodes twice',
    '<MPD>\n<Label>&amp;lt;</Label></MPD>',
    'playlist_invalid',
    { line: 2, tag: 'Label' },
  ],
  [
    'CDATA that leads out',
    '<MPD>\n<Label><![CDATA[//e/x]]></Label></MPD>',
    'playlist_outside',
    { line: 2, tag: 'Label' },
  ],
  [
    'CDATA that leads out once it is decoded',
    '<MPD>\n<Label><![CDATA[&#47;/e/x]]></Label></MPD>',
    'playlist_outside',
    { line: 2, tag: 'Label' },
  ],
  [
    'a BaseURL in pieces',
    '<MPD>\n<BaseURL\n>a<b/></BaseURL></MPD>',
    'playlist_invalid',
    { line: 2, tag: 'BaseURL' },
  ],
  [
    'a BaseURL in another element',
    '<MPD>\n<Event><BaseURL>a</BaseURL></Event></MPD>',
    'playlist_invalid',
    { line: 2, tag: 'BaseURL' },
  ],
  [
    'a box that is not Base64',
    '<MPD>\n<x:pssh\n>!</x:pssh></MPD>',
    'playlist_invalid',
    { line: 2, tag: 'pssh' },
  ],
])('an MPD with %s is refused with its position', (_, source, reason, position) => {
  const refusal = readMpd(source)
  expect(refusal).toMatchObject({ reason })
  expect(refusal).toHaveProperty('position', position)
})

test.each([
  ['declarations of namespaces', '<MPD xmlns="//x" xmlns:a="https://x/&amp;lt;"/>'],
  ['an absolute namespace of any scheme', '<MPD xmlns:xlink="http://www.w3.org/1999/xlink"/>'],
  ['Base64 that looks like a path', '<MPD><ContentProtection><pssh>//AA</pssh></ContentProtection></MPD>'],
  ['a box in several lines', '<MPD><ContentProtection><pssh>\nAA\nAA\n</pssh></ContentProtection></MPD>'],
  ['an empty box', '<MPD><ContentProtection><pssh/></ContentProtection></MPD>'],
  ['a box of another system', '<MPD><pssh>AAAA</pssh></MPD>'],
  ['a clock that fetches nothing', '<MPD><UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014"/></MPD>'],
  ['white space around elements', '<MPD> \n <Period/> \n </MPD>'],
  [
    'text that looks encoded',
    '<MPD profiles="&amp;lt;"><ProgramInformation><Title>&amp;lt;</Title></ProgramInformation></MPD>',
  ],
  ['a CDATA section that looks encoded', '<MPD><Label><![CDATA[&amp;lt; &lt;]]></Label></MPD>'],
])('an MPD with %s is accepted', (_, source) => expect(readMpd(source)).not.toBeInstanceOf(Refusal))

test.each([
  ['xmlnsx', 'playlist_outside'],
  ['a:xmlns', 'playlist_outside'],
])('the attribute %s does not declare a namespace', (name, reason) =>
  expect(readMpd(`<MPD ${name}="//e/x"/>`)).toMatchObject({ reason }),
)

test.each([
  [
    'the scheme of the box',
    '<MPD><pssh schemeIdUri="urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95">AAAA</pssh></MPD>',
  ],
  ['a scheme without hyphens', '<MPD><pssh schemeIdUri="9a04f07998404286ab92e65be0885f95">AAAA</pssh></MPD>'],
  [
    'the scheme around it',
    '<MPD><ContentProtection schemeIdUri="urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95"><pssh>AAAA</pssh></ContentProtection></MPD>',
  ],
  ['its content', '<MPD><pssh>AAAANHBzc2gAAAAAmgTweZhAQoarkuZb4IhflQAAAAA=</pssh></MPD>'],
  ['a content that is not Base64', '<MPD><pssh>A</pssh></MPD>'],
])('a pssh box is taken for one of PlayReady by %s', (_, source) =>
  expect(readMpd(source)).toMatchObject({ reason: 'playlist_invalid', position: { tag: 'pssh' } }),
)
