import { describe, expect, test } from 'vitest'
import type { PlaylistContext } from '../../../src/playlist/context.ts'
import { folderOf } from '../../../src/playlist/folders.ts'
import { MAX_REFERENCE, relativeBase, relativeReference } from '../../../src/playlist/reference.ts'
import { contextAt, INVALID, OUTSIDE } from './context.ts'

const relative = (reference: string, context: PlaylistContext) =>
  relativeReference(reference, context.part === undefined ? undefined : folderOf(context.part), context)
const from = (part: string | undefined, reference: string) => relative(reference, contextAt(part))

test.each([
  ['master.m3u8', 'seg-0.m4s'],
  ['master.m3u8', './seg-0.m4s'],
  ['master.m3u8', 'video/main.m3u8'],
  ['master.m3u8', 'video/../audio/./main.m3u8'],
  ['master.m3u8', 'a/b/c/d/e/f/g/h'],
  ['video/main.m3u8', '../audio/seg-0.m4s'],
  ['a/b/main.m3u8', '../../c/../seg-0.m4s'],
  ['a/b/c/d/e/f/g/main.m3u8', 'seg-0.m4s'],
  ['master.m3u8', 'seg-0.m4s?v=1&w=a_b.c-d'],
  ['master.m3u8', 'seg-0.m4s?'],
  ['master.m3u8', 'seg-0.m4s?my_access_token=1'],
  ['master.m3u8', '-'],
  ['master.m3u8', `${'a'.repeat(200)}`],
  ['master.m3u8', 'a@b=c+d.m4s'],
  ['master.m3u8', './10:00.m4s'],
  ['master.m3u8', 'a/10:00.m4s'],
  ['video/main.m3u8', '../seg:0'],
])('in %s, the reference %s to a part is not changed', (part, reference) =>
  expect(from(part, reference)).toBe(reference),
)

test.each([
  ['master.m3u8', '/recordings/rec-013/seg-0.m4s', 'seg-0.m4s'],
  ['master.m3u8', 'https://media.clinic.example/recordings/rec-013/video/seg-0.m4s', 'video/seg-0.m4s'],
  ['video/main.m3u8', '/recordings/rec-013/video/seg-0.m4s', 'seg-0.m4s'],
  ['video/main.m3u8', '/recordings/rec-013/audio/seg-0.m4s?v=1', '../audio/seg-0.m4s?v=1'],
  ['video/main.m3u8', '/recordings/rec-013/video', '../video'],
  ['a/b/main.m3u8', '/recordings/rec-013/a/c/x', '../c/x'],
  ['a/b/main.m3u8', '/recordings/rec-013/x', '../../x'],
  ['a/b/main.m3u8', '/recordings/rec-013/b/b/x', '../../b/b/x'],
  ['a/main.m3u8', '/recordings/rec-013/seg:0', '../seg:0'],
])('in %s, the absolute reference %s to a part is made relative', (part, reference, expected) =>
  expect(from(part, reference)).toBe(expected),
)

test.each([
  ['master.m3u8', '/recordings/rec-013/seg:0.m4s', './seg:0.m4s'],
  ['master.m3u8', 'https://media.clinic.example/recordings/rec-013/https:x/y?v=1', './https:x/y?v=1'],
  ['video/main.m3u8', '/recordings/rec-013/video/seg:0.m4s', './seg:0.m4s'],
  // It can't be one, but some players take it for one.
  ['master.m3u8', '2026-11-25T10:00:00+01:00.m4s', './2026-11-25T10:00:00+01:00.m4s'],
])('in %s, the reference %s is written so that its colon makes no scheme', (part, reference, expected) => {
  expect(from(part, reference)).toBe(expected)
  expect(new URL(expected, 'https://media.clinic.example/play/t/').origin).toBe(
    'https://media.clinic.example',
  )
})

test('without a public origin, an absolute path may name a part and an absolute URL may not', () => {
  const context = { ...contextAt('master.m3u8'), origin: undefined }
  const of = (reference: string) => relative(reference, context)
  for (const origin of ['https://media.clinic.example', 'undefined', '']) {
    expect(of(`${origin}//recordings/rec-013/x`)).not.toBe('x')
  }
  expect(of('https://media.clinic.example/recordings/rec-013/x')).toEqual(OUTSIDE)
  expect(of('/recordings/rec-013/x')).toBe('x')
})

test.each([
  ['master.m3u8', 'https://evil.example/seg-0.m4s'],
  ['master.m3u8', 'https://media.clinic.example.evil.example/recordings/rec-013/x'],
  ['master.m3u8', 'https://media.clinic.example@evil.example/x'],
  ['master.m3u8', 'https://media.clinic.example:8443/recordings/rec-013/x'],
  ['master.m3u8', 'http://media.clinic.example/recordings/rec-013/x'],
  ['master.m3u8', 'https://media.clinic.example'],
  ['master.m3u8', 'https:/recordings/rec-013/x'],
  ['master.m3u8', 'http:foo'],
  ['master.m3u8', '//evil.example/x'],
  ['master.m3u8', '//media.clinic.example/recordings/rec-013/x'],
  ['master.m3u8', '///evil.example/x'],
  ['master.m3u8', 'https://media.clinic.example//evil.example/x'],
  ['master.m3u8', 'data:application/octet-stream;base64,AAAA'],
  ['master.m3u8', 'skd://key'],
  ['master.m3u8', 'blob:https://media.clinic.example/1'],
  ['master.m3u8', 'javascript:alert(1)'],
  ['master.m3u8', 'seg:0'],
  ['master.m3u8', '/recordings/rec-014/x'],
  ['master.m3u8', '/recordings/rec-013'],
  ['master.m3u8', '/recordings/rec-013/'],
  ['master.m3u8', '/recordings/rec-013/../rec-014/x'],
  ['master.m3u8', '/recordings/rec-013/.hidden'],
  ['master.m3u8', '/play/ticket/x'],
  ['master.m3u8', '/'],
  ['master.m3u8', '../rec-014/x'],
  ['master.m3u8', '../rec-013/x'],
  ['master.m3u8', 'a/../../x'],
  ['video/main.m3u8', '../../x'],
  ['master.m3u8', '..'],
  ['a/main.m3u8', '../..'],
  ['master.m3u8', 'seg:0/x'],
  ['master.m3u8', 'https:evil.example/x'],
  ['master.m3u8', 'a+b:0'],
  [undefined, 'seg-0.m4s'],
  [undefined, '/recordings/rec-013/seg-0.m4s'],
])('in %s, the reference %s leads out and is refused as outside', (part, reference) =>
  expect(from(part, reference)).toEqual(OUTSIDE),
)

test.each([
  ['master.m3u8', '.hidden'],
  ['master.m3u8', '...'],
  ['master.m3u8', 'a//b'],
  ['master.m3u8', 'video/'],
  ['video/main.m3u8', '.'],
  ['a/b/main.m3u8', '..'],
  ['a/b/main.m3u8', '../'],
  ['master.m3u8', 'a/b/c/d/e/f/g/h/i'],
  ['a/b/c/d/e/f/g/main.m3u8', 'h/i'],
  ['master.m3u8', `${'a'.repeat(201)}`],
  ['master.m3u8', 'a~b'],
])('in %s, the reference %s is refused as invalid, since no part can have that name', (part, reference) =>
  expect(from(part, reference)).toEqual(INVALID),
)

test.each([
  '',
  ' ',
  'seg 0.m4s',
  ' seg-0.m4s',
  'seg-0.m4s ',
  'seg\t0',
  'seg%2e',
  '%2e%2e/x',
  'a\\b',
  '\\\\evil.example\\x',
  '{$base}/x',
  '$base$',
  'seg-0.m4s#t=1',
  '#',
  'ségment.m4s',
  'seg;0',
  "seg'0",
  'a&b',
  'seg?a?b',
  'seg?a=/b',
  'seg?a=%41',
  'seg?access_token=x',
  'seg?v=1&ACCESS_TOKEN',
  `${'./'.repeat(1024)}x`,
])('the reference %j is refused as invalid, since players may read it in different ways', reference =>
  expect(from('master.m3u8', reference)).toEqual(INVALID),
)

describe('lenient contexts', () => {
  const context = (named: string) => ({ ...contextAt('master.m3u8'), partOf: () => named })
  test.each([
    ['/recordings/rec-013/../x', '../x'],
    ['/recordings/rec-013/.x', '.x'],
    ['/recordings/rec-013/../rec-014/x', 'x'],
    ['/recordings/rec-013/./x', 'x'],
    ['/recordings/rec-013/x', 'y'],
    ['/recordings/rec-013/x', ''],
  ])('the path %s leads out even if the context names it as the part %s', (path, named) =>
    expect(relative(path, context(named))).toEqual(OUTSIDE),
  )
})

describe('several folders', () => {
  const context = contextAt('manifest.mpd')
  const several = { minDepth: 1, maxDepth: 3, only: undefined }
  test.each([
    ['x', 'x'],
    ['../x', '../x'],
    ['../../x', OUTSIDE],
    ['a/b/c/d/x', 'a/b/c/d/x'],
    ['a/b/c/d/e/x', INVALID],
    ['/recordings/rec-013/x', INVALID],
  ])('the reference %s is resolved from each of several folders', (reference, expected) =>
    expect(relativeReference(reference, several, context)).toEqual(expected),
  )
})

describe('templates', () => {
  const of = (template: string, example: string, part = 'video/main.mpd') => {
    const context = contextAt(part)
    return relativeReference(example, folderOf(part), context, template)
  }
  const own = 'https://media.clinic.example/recordings/rec-013'

  test.each([
    ['seg-$Number$', 'seg-1', 'seg-$Number$'],
    ['a/../$Number$', 'a/../1', 'a/../$Number$'],
    [`${own}/video/$Number$?t=$Time$`, `${own}/video/1?t=1`, '$Number$?t=$Time$'],
    ['/recordings/rec-013/$Number$', '/recordings/rec-013/1', '../$Number$'],
    ['/recordings/rec-013/$Number$?', '/recordings/rec-013/1?', '../$Number$?'],
    ['./a:$Number$', './a:1', './a:$Number$'],
  ])('the template %s with the example %s is written as %s', (template, example, written) =>
    expect(of(template, example)).toBe(written),
  )

  test.each([
    ['the id of the recording', '/recordings/$RepresentationID$/x', '/recordings/rec-013/x'],
    ['a prefix', '/$RepresentationID$/rec-013/x', '/recordings/rec-013/x'],
    ['a prefix of an absolute URL', `https://$RepresentationID$/recordings/rec-013/x`, `${own}/x`],
  ])('a template is refused if it fills in %s', (_, template, example) =>
    expect(of(template, example)).toEqual(INVALID),
  )
})

test('a reference may have 2,048 characters, and no more', () => {
  const of = (length: number) => from('main.mpd', `${'./'.repeat((length - 1) / 2)}x?`.slice(-length))
  expect(MAX_REFERENCE).toBe(2048)
  expect(of(2048)).toEqual(expect.any(String))
  expect(of(2050)).toEqual(INVALID)
})

describe('relativeBase', () => {
  const own = 'https://media.clinic.example/recordings/rec-013'
  const base = (reference: string, part = 'a/b/main.mpd') =>
    relativeBase(reference, folderOf(part), contextAt(part))
  const folder = (...only: string[]) => ({ minDepth: only.length, maxDepth: only.length, only })

  test.each([
    ['./', './', folder('a', 'b')],
    ['c/', 'c/', folder('a', 'b', 'c')],
    ['c/x.mp4', 'c/x.mp4', folder('a', 'b', 'c')],
    ['../', '../', folder('a')],
    ['..', '..', folder('a')],
    ['../../', '../../', folder()],
    ['x.mp4', 'x.mp4', folder('a', 'b')],
    ['c/?v=1', 'c/?v=1', folder('a', 'b', 'c')],
    ['./10:00/', './10:00/', folder('a', 'b', '10:00')],
    ['1_0:00/', './1_0:00/', folder('a', 'b', '1_0:00')],
    [`${own}/`, '../../', folder()],
    [`${own}/a/b/`, './', folder('a', 'b')],
    [`${own}/a/b/?v=1`, './?v=1', folder('a', 'b')],
    [`${own}/a/b/c/`, 'c/', folder('a', 'b', 'c')],
    [`${own}/a/b/10:00/`, './10:00/', folder('a', 'b', '10:00')],
    ['/recordings/rec-013/d/', '../../d/', folder('d')],
    ['/recordings/rec-013/d/x.mp4?v=1', '../../d/x.mp4?v=1', folder('d')],
  ])('the BaseURL %s is written as %s', (reference, written, folders) =>
    expect(base(reference)).toEqual({ written, folders }),
  )

  test.each([
    '../../../',
    '../../..',
    `${own}`,
    '/recordings/',
    '/recordings/rec-014/',
    '//e/',
    'e:/',
    '/x/',
  ])('the BaseURL %s leads out', reference => expect(base(reference)).toEqual(OUTSIDE))

  test.each(['', 'a b/', '.x/', 'c//', 'a%2f/', 'c/d/e/f/g/h/', 'x?access_token=1'])(
    'the BaseURL %j is invalid',
    reference => expect(base(reference)).toEqual(INVALID),
  )

  test('a BaseURL is resolved from several folders only if it is relative', () => {
    const several = { minDepth: 1, maxDepth: 3, only: undefined }
    expect(relativeBase('../c/', several, contextAt('main.mpd'))).toEqual({
      written: '../c/',
      folders: { minDepth: 1, maxDepth: 3, only: undefined },
    })
    expect(relativeBase('../../', several, contextAt('main.mpd'))).toEqual(OUTSIDE)
    expect(relativeBase(`${own}/c/`, several, contextAt('main.mpd'))).toEqual(INVALID)
    expect(relativeBase('/recordings/rec-014/', several, contextAt('main.mpd'))).toEqual(OUTSIDE)
  })
})
