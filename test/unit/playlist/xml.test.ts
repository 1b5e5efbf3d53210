import { describe, expect, test } from 'vitest'
import { decodesAgain, decodeXml, xmlTokens } from '../../../src/playlist/xml.ts'

const kinds = (text: string) => [...xmlTokens(text)].map(token => token.kind).join(' ')

describe('reads', () => {
  test.each([
    ['<a/>', 'open close'],
    ['<?xml version="1.0" encoding="UTF-8" standalone=\'yes\' ?>\n<a></a>\n', 'text open close text'],
    ['<?xml version="1.0" encoding="utf8"?><a/>', 'open close'],
    ['<a b="1 > 0"/>', 'open close'],
    ['<!------ a -> b, <c/> ------><a/>', 'comment open close'],
    ['<a><![CDATA[x < y & z]]></a>', 'open text close'],
    ['<a><!-- c --><b:c d = "1"\te=\'"\'/>x &amp; &#x41;</a >', 'open comment open close text close'],
  ])('%s', (text, expected) => expect(kinds(text)).toBe(expected))

  test('attributes, and where they stand', () => {
    const text = '<a b="1" c:d = \'2&amp;"\'/>'
    const [open] = xmlTokens(text)
    const attributes = open?.kind === 'open' ? open.attributes : []
    expect(attributes.map(({ name, raw }) => [name, raw])).toEqual([
      ['b', '1'],
      ['c:d', '2&amp;"'],
    ])
    for (const { raw, from, to } of attributes) expect(text.slice(from, to)).toBe(raw)
  })
})

describe('finds wrong', () => {
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
    const tokens = [...xmlTokens(text)]
    expect(tokens.at(-1)).toMatchObject({ kind: 'wrong' })
    expect(tokens.filter(token => token.kind === 'wrong')).toHaveLength(1)
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
