import { expect, test } from 'vitest'
import { examplesOf, mayBecomeScheme, summed } from '../../../src/playlist/template.ts'

test.each([
  ['seg-$Number$.m4s', 'seg-1.m4s'],
  ['$Number$.m4s', '1.m4s'],
  ['chunk-stream$RepresentationID$-$Number%05d$.m4s', 'chunk-streamv1-11111.m4s'],
  ['$RepresentationID$/$Bandwidth$/$Time$-$SubNumber%02d$', 'v1/1/1-11'],
  ['$Number$$Time$', '11'],
  ['init.mp4', 'init.mp4'],
  ['../x/$Number$', '../x/1'],
  // What is left of these is in no reference, which is what refuses them.
  ['seg-$$-$Number$', 'seg-$$-1'],
  ['$RepresentationID%05d$', '$RepresentationID%05d$'],
  ['$Number%5d$', '$Number%5d$'],
  ['$Number%0100d$', '$Number%0100d$'],
  ['$Number%05x$', '$Number%05x$'],
  ['$number$', '$number$'],
  ['$Number', '$Number'],
  ['$Bandwidth$../x', undefined],
  ['$Time$.', undefined],
  ['a/.$Number$./x', undefined],
])('%s', (template, expected) =>
  expect(examplesOf(template, { examples: ['v1'], arePlain: true, haveColon: false })).toEqual(
    expected && [expected],
  ),
)

test('without an id that is known to be plain', () => {
  const ids = summed(['v1', undefined])
  expect(examplesOf('$RepresentationID$.mp4', ids)).toBeUndefined()
  expect(examplesOf('$Number$.mp4', ids)).toEqual(['1.mp4'])
})

test('which ids are plain', () => {
  for (const id of ['0', 'video-1', 'a.b_c', 'video/avc1/1', 'a:b']) expect(summed([id]).arePlain).toBe(true)
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
    expect(summed(['v1', id]).arePlain).toBe(false)
  expect(summed([]).arePlain).toBe(false)
})

test.each([
  ['$RepresentationID$/x', true],
  ['v-$RepresentationID$', true],
  ['$RepresentationID$/$RepresentationID$', true],
  ['seg/$RepresentationID$/x', false],
  ['./$RepresentationID$', false],
  ['seg/x', false],
])('an id with a colon could make a scheme of %s: %s', (template, could) => {
  expect(mayBecomeScheme(template, summed(['a', 'b:c']))).toBe(could)
  expect(mayBecomeScheme(template, summed(['a', 'b']))).toBe(false)
})

test('an id of several segments is tried with the fewest and with the most of them, each as long as any', () => {
  expect(summed(['a', 'bb/c', 'd/e/fff']).examples).toEqual(['xxx', 'xxx/xxx/xxx'])
  expect(summed(['a/b', 'cc/d']).examples).toEqual(['xx/xx'])
})
