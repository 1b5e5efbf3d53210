import { expect, test } from 'vitest'
import { exampleOf, isPlainId } from '../../../src/playlist/template.ts'

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
])('%s', (template, expected) => expect(exampleOf(template, 'v1')).toBe(expected))

test('without an id that is known to be plain', () => {
  expect(exampleOf('$RepresentationID$.mp4', undefined)).toBeUndefined()
  expect(exampleOf('$Number$.mp4', undefined)).toBe('1.mp4')
})

test('which ids are plain', () => {
  for (const id of ['0', 'video-1', 'a.b_c']) expect(isPlainId(id)).toBe(true)
  for (const id of ['', '.', '..', '.x', 'a/b', '/', 'a b', '%2e', '$Number$', 'a'.repeat(201), 'http:evil'])
    expect(isPlainId(id)).toBe(false)
})
