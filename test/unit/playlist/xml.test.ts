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

  test('attributes, and where they stand', () => {
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
