import { describe, expect, test } from 'vitest'
import { decodesAgain, decodeXml, readXml } from '../../../src/playlist/xml.ts'
import { Refusal } from '../../../src/refusal.ts'
import { INVALID } from './context.ts'

const kinds = (text: string) =>
  [...readXml(text)].map(token => (token instanceof Refusal ? token.reason : token.kind)).join(' ')

describe('reads', () => {
  test.each([
    ['<a/>', 'start end'],
    ['<?xml version="1.0" encoding="UTF-8" standalone=\'yes\' ?>\n<a></a>\n', 'text start end text'],
    ['<?xml version="1.0" encoding="utf8"?><a/>', 'start end'],
    ['<a b="1 > 0"/>', 'start end'],
    ['<!------ a -> b, <c/> ------><a/>', 'comment start end'],
    ['<a><![CDATA[x < y & z]]></a>', 'start text end'],
    ['<a><!-- c --><b:c d = "1"\te=\'"\'/>x &amp; &#x41;</a >', 'start comment start end text end'],
  ])('%s', (text, expected) => expect(kinds(text)).toBe(expected))

  test('attributes, with their offsets', () => {
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

describe('refuses', () => {
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
  )('%s', (_, text) => {
    const tokens = [...readXml(text)]
    expect(tokens.at(-1)).toEqual(INVALID)
    expect(tokens.filter(token => token instanceof Refusal)).toHaveLength(1)
  })
})

test('decodes once', () => {
  expect(decodeXml('a &lt;&gt;&amp;&quot;&apos; &#65;&#x1F600;')).toBe('a <>&"\' A\u{1f600}')
  expect(decodeXml('&AMP;')).toBeUndefined()
  for (const raw of ['&amp;amp;', '&#38;#58;', '&amp;#x3a;'])
    expect(decodesAgain(decodeXml(raw) ?? '')).toBe(true)
  for (const raw of ['R&amp;D', '&amp; ;', '&amp;#;', 'a;'])
    expect(decodesAgain(decodeXml(raw) ?? '')).toBe(false)
})

describe('a token', () => {
  const tokens = (text: string) => [...readXml(text)]

  test('of a start tag has its name and its offset', () =>
    expect(tokens('<?xml version="1.0"?>\n<a:b/>')).toEqual([
      expect.objectContaining({ kind: 'text' }),
      { kind: 'start', name: 'a:b', attributes: [], from: 22 },
      { kind: 'end' },
    ]))

  test('of an attribute has its value as written and decoded', () => {
    const [start] = tokens('<a b = \'&lt;\'\nc=""/>')
    expect(start).toMatchObject({
      attributes: [
        { name: 'b', raw: '&lt;', value: '<', from: 8, to: 12 },
        { name: 'c', raw: '', value: '', from: 17, to: 17 },
      ],
    })
  })

  test('of character data has its value as written and decoded', () =>
    expect(tokens('<a>x&gt;<![CDATA[&lt;]]><![CDATA[&]]></a>').slice(1, -1)).toEqual([
      { kind: 'text', raw: 'x&gt;', value: 'x>', from: 3, isCdata: false },
      { kind: 'text', raw: '&lt;', value: '<', from: 17, isCdata: true },
      { kind: 'text', raw: '&', value: '&', from: 33, isCdata: true },
    ]))
})

describe('a refusal has the line', () => {
  test.each([
    ['of a foreign character', '<a>\n\n\0</a>', 3],
    ['of text outside the root', '<a/>\nx', 1],
    ['of a bad entity', '<a>\n<b/>&x;</a>', 2],
    ['of a comment that does not end', '<a>\n<!-- \n', 2],
    ['of a section outside the root', '<a/>\n<![CDATA[]]>', 2],
    ['of an end tag that does not match', '<a>\n</b>', 2],
    ['of the end tag, if it does not close', '<a></a\n\n<', 3],
    ['of a start tag', '<a>\n<b\nc', 2],
    ['at the end, if an element is open', '<a>\n\n', 3],
  ])('%s', (_, text, line) => {
    const [last] = [...readXml(text)].slice(-1)
    expect(last).toEqual(new Refusal('playlist_invalid', undefined, { line }))
  })
})

test('decodes every entity of XML 1.0, and characters by their number', () => {
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
