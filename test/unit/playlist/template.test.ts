import { expect, test } from 'vitest'
import { expandTemplate, mayBecomeScheme, summarizeIds } from '../../../src/playlist/template.ts'
import { INVALID } from './context.ts'

test.each([
  ['seg-$Number$.m4s', 'seg-1.m4s'],
  ['$Number$.m4s', '1.m4s'],
  ['chunk-stream$RepresentationID$-$Number%05d$.m4s', 'chunk-streamv1-11111.m4s'],
  ['$RepresentationID$/$Bandwidth$/$Time$-$SubNumber%02d$', 'v1/1/1-11'],
  ['$Number$$Time$', '11'],
  ['init.mp4', 'init.mp4'],
  ['../x/$Number$', '../x/1'],
  // What remains of these is refused later, as no reference may contain it.
  ['seg-$$-$Number$', 'seg-$$-1'],
  ['$RepresentationID%05d$', '$RepresentationID%05d$'],
  ['$Number%5d$', '$Number%5d$'],
  ['$Number%0100d$', '$Number%0100d$'],
  ['$Number%05x$', '$Number%05x$'],
  ['$number$', '$number$'],
  ['$Number', '$Number'],
  ['$Bandwidth$../x', INVALID],
  ['$Time$.', INVALID],
  ['a/.$Number$./x', INVALID],
])('the template %s is filled in as %s', (template, expected) =>
  expect(expandTemplate(template, { examples: ['v1'], haveColon: false })).toEqual(
    typeof expected === 'string' ? [expected] : expected,
  ),
)

test('a template with an id is refused unless every id is plain', () => {
  const ids = summarizeIds(['v1', undefined])
  expect(expandTemplate('$RepresentationID$.mp4', ids)).toEqual(INVALID)
  expect(expandTemplate('$Number$.mp4', ids)).toEqual(['1.mp4'])
})

test('a template may have 2,048 characters, and no more', () => {
  const of = (length: number) => expandTemplate('$Time$'.padEnd(length, 'x'), summarizeIds([]))
  expect(of(2048)).toEqual([`1${'x'.repeat(2042)}`])
  expect(of(2049)).toEqual(INVALID)
})

test('an id is plain if it is a name of a part', () => {
  for (const id of ['0', 'video-1', 'a.b_c', 'video/avc1/1', 'a:b'])
    expect(summarizeIds([id]).examples).toHaveLength(1)
  for (const id of [
    '',
    '.',
    '..',
    '.x',
    '/',
    'a/',
    'a//b',
    'a/../b',
    'a b',
    '%2e',
    '$Number$',
    'a'.repeat(500),
  ])
    expect(summarizeIds(['v1', id]).examples).toEqual([])
  expect(summarizeIds([]).examples).toEqual([])
})

test.each([
  ['$RepresentationID$/x', true],
  ['v-$RepresentationID$', true],
  ['$RepresentationID$/$RepresentationID$', true],
  ['seg/$RepresentationID$/x', false],
  ['./$RepresentationID$', false],
  ['seg/x', false],
  ['x', false],
])('an id with a colon could make a scheme of %s: %s', (template, could) => {
  expect(mayBecomeScheme(template, summarizeIds(['a', 'b:c']))).toBe(could)
  expect(mayBecomeScheme(template, summarizeIds(['a', 'b']))).toBe(false)
})

test('the examples of ids have the fewest and the most segments, each as long as the longest', () => {
  expect(summarizeIds(['a', 'bb/c', 'd/e/fff']).examples).toEqual(['xxx', 'xxx/xxx/xxx'])
  expect(summarizeIds(['a/b', 'cc/d']).examples).toEqual(['xx/xx'])
})
