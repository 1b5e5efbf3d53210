import { describe, expect, test } from 'vitest'
import { decodesAgain, decodeXml, readXml } from '../../../src/playlist/xml.ts'
import { Refusal } from '../../../src/refusal.ts'
import { INVALID } from './context.ts'

const kinds = (text: string) =>
  [...readXml(text)].map(token => (token instanceof Refusal ? token.reason : token.kind)).join(' ')

describe('readXml', () => {
  test.each([
    ['<a/>', 'start end'],
    ['<?xml version="1.0" encoding="UTF-8" standalone=\'yes\' ?>\n<a></a>\n', 'text start end text'],
    ['<?xml version="1.0" encoding="utf8"?><a/>', 'start end'],
    ['<a b="1 > 0"/>', 'start end'],
    ['<!------ a -> b, <c/> ------><a/>', 'comment start end'],
    ['<a><![CDATA[x < y & z]]></a>', 'start text end'],
    ['<a><!-- c --><b:c d = "1"\te=\'"\'/>x &amp; &#x41;</a >', 'start comment start end text end'],
  ])('the XML %j is read as the tokens %s', (text, expected) => expect(kinds(text)).toBe(expected))

  test('the attributes of an XML element are read with their offsets', () => {
    const text = '<a b="1" c:d = \'2&amp;"\'/>'
    const [start] = readXml(text)
    const attributes = start instanceof Refusal || start?.kind !== 'start' ? [] : start.attributes
    expect(attributes.map(({ name, raw }) => [name, raw])).toEqual([
      ['b', '1'],
      ['c:d', '2&amp;"'],
    ])
    for (const { raw, from, to } of attributes) expect(text.slice(from, to)).toBe(raw)
  })
})

test.each(
  [
    '',
    ' ',
    'x',
    '<a>',
    '</a>',
    '<a></b>',
    '<a></ab>',
    '<a></ a>',
    '<a/><b/>',
    '<a/>x',
    'x<a/>',
    '<a',
    '<a b>',
    '<a b=1>',
    '<a b="1>',
    '<a b="1"c="2"/>',
    '<a b="1" b="2"/>',
    '<a b="<"/>',
    '<a / >',
    '<a _b="1"/>',
    '<_a/>',
    '< a/>',
    '<a:b:c/>',
    '<ä/>',
    '<!DOCTYPE a><a/>',
    '<a><![CDATA[x</a>',
    '<![CDATA[x]]><a/>',
    '<a/><![CDATA[x]]>',
    '<a><![cdata[x]]></a>',
    '<a><?x y?></a>',
    '<?xml-stylesheet href="x"?><a/>',
    ' <?xml version="1.0"?><a/>',
    '<?xml version="1.1"?><a/>',
    '<?xml version="1.0" encoding="utf-16"?><a/>',
    '<a>&nbsp;</a>',
    '<a>&</a>',
    '<a b="&x;"/>',
    '<a>&#0;</a>',
    '<a>&#x110000;</a>',
    '<a>&#xfeff;</a>',
    '<!--><b/>--><a/>',
    '<!---><b/>--><a/>',
    '<!-- <a/>',
    '<a>\0</a>',
    '<a>\u2028</a>',
    '<a>\ufeff</a>',
    `${'<a>'.repeat(33)}${'</a>'.repeat(33)}`,
  ].map(text => [JSON.stringify(text), text] as const),
)('the XML %s is refused', (_, text) => {
  const tokens = [...readXml(text)]
  expect(tokens.at(-1)).toEqual(INVALID)
  expect(tokens.filter(token => token instanceof Refusal)).toHaveLength(1)
})

test('XML is decoded once, and content that would decode again is recognized', () => {
  expect(decodeXml('a &lt;&gt;&amp;&quot;&apos; &#65;&#x1F600;')).toBe('a <>&"\' A\u{1f600}')
  expect(decodeXml('&AMP;')).toBeUndefined()
  for (const raw of ['&amp;amp;', '&#38;#58;', '&amp;#x3a;'])
    expect(decodesAgain(decodeXml(raw) ?? '')).toBe(true)
  for (const raw of ['R&amp;D', '&amp; ;', '&amp;#;', 'a;'])
    expect(decodesAgain(decodeXml(raw) ?? '')).toBe(false)
})

describe('tokens', () => {
  const tokens = (text: string) => [...readXml(text)]

  test('the token of a start tag has its name and its offset', () =>
    expect(tokens('<?xml version="1.0"?>\n<a:b/>')).toEqual([
      expect.objectContaining({ kind: 'text' }),
      { kind: 'start', name: 'a:b', attributes: [], from: 22 },
      { kind: 'end' },
    ]))

  test('the token of an attribute has its value as written and decoded', () => {
    const [start] = tokens('<a b = \'&lt;\'\nc=""/>')
    expect(start).toMatchObject({
      attributes: [
        { name: 'b', raw: '&lt;', value: '<', from: 8, to: 12 },
        { name: 'c', raw: '', value: '', from: 17, to: 17 },
      ],
    })
  })

  test('the token of character data has its value as written and decoded', () =>
    expect(tokens('<a>x&gt;<![CDATA[&lt;]]><![CDATA[&]]></a>').slice(1, -1)).toEqual([
      { kind: 'text', raw: 'x&gt;', value: 'x>', from: 3, isCdata: false },
      { kind: 'text', raw: '&lt;', value: '<', from: 17, isCdata: true },
      { kind: 'text', raw: '&', value: '&', from: 33, isCdata: true },
    ]))
})

test.each([
  ['a foreign character', '<a>\n\n\0</a>', 3],
  ['text outside the root', '<a/>\nx', 1],
  ['a bad entity', '<a>\n<b/>&x;</a>', 2],
  ['a comment that does not end', '<a>\n<!-- \n', 2],
  ['a section outside the root', '<a/>\n<![CDATA[]]>', 2],
  ['an end tag that does not match', '<a>\n</b>', 2],
  ['an end tag that is not closed', '<a></a\n\n<', 3],
  ['a start tag that is not closed', '<a>\n<b\nc', 2],
  ['an element that is never closed', '<a>\n\n', 3],
])('the refusal of %s in XML has its line', (_, text, line) => {
  const [last] = [...readXml(text)].slice(-1)
  expect(last).toEqual(new Refusal('playlist_invalid', undefined, { line }))
})

test('the entities of XML 1.0 and characters by their number are decoded, and nothing else', () => {
  expect(decodeXml('&amp;')).toBe('&')
  expect(decodeXml('&lt;&#9;&#x9;&#x10FFFD;&#0000065;')).toBe('<\t\t\u{10fffd}A')
  for (const raw of [
    '&lt',
    '&lt;&',
    '&#;',
    '&#x;',
    '&#xg;',
    '&#00000065;',
    '&#x0000041;',
    '&#1114112;',
    '&#8232;',
  ])
    expect(decodeXml(raw)).toBeUndefined()
})
