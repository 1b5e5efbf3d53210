import { describe, expect, test } from 'vitest'
import { locate, rawPath } from '../../../src/locate/locate.ts'
import { type CompiledLocation, compileLocation, locationsUnder } from '../../../src/locate/location.ts'
import { Refusal } from '../../../src/refusal.ts'

const standard = locationsUnder('/recordings').map(compileLocation)
const placeAt = (url: string, locations: readonly CompiledLocation[]) => {
  const found = locate(rawPath(url), locations)
  return found instanceof Refusal ? found : found.ref
}
const at = (path: string) => placeAt(`https://media.test${path}`, standard)

describe('rawPath', () => {
  test.each([
    ['http://h/a/../b', '/a/../b'],
    ['http://h/a?x=/y#z', '/a'],
    ['http://h/a#/b', '/a'],
    ['http://h?/recordings/x', undefined],
    ['http://h#/recordings/x', undefined],
    ['http://h', undefined],
    ['http://h*', undefined],
    ['http://a b/q', '/q'],
    ['http://h//a', '//a'],
  ])('the raw path of %s is %s', (url, path) => expect(rawPath(url)).toBe(path))
})

describe('locate', () => {
  test('locate finds a recording of one file', () => {
    expect(at('/recordings/rec-1')).toEqual({ recording: 'rec-1', key: 'recordings/rec-1' })
  })

  test('locate finds a part with its folders', () => {
    expect(at('/recordings/rec-1/video/seg_01.m4s')).toEqual({
      recording: 'rec-1',
      part: 'video/seg_01.m4s',
      key: 'recordings/rec-1/video/seg_01.m4s',
    })
  })

  test.each([
    '/',
    '/recordings',
    '/recordings/',
    '/recordings/a/',
    '/recordings//a',
    '/recordings/a//b',
    '/recordings/a/../b',
    '/recordings/a/.hidden',
    '/recordings/a/..',
    '/recordings/a/.',
    '/recordings/%61',
    '/recordings/a%2fb',
    '/recordings/a b',
    '/recordings/a\\b',
    '/recordings/a;b',
    '/recordings/ä',
    '/recordings/a:b',
    '/recordings/a@b',
    '/RECORDINGS/a',
    '/recordings/a\n',
    '/recordings/a\u0000',
    '/recordingsx/a',
    '/x/recordings/a',
    `/recordings/${'a'.repeat(129)}`,
    `/recordings/a/${'b'.repeat(201)}`,
    `/recordings/a${'/b'.repeat(9)}`,
    `/recordings/a/${'b/'.repeat(600)}c`,
  ])('locate refuses the path %j', path => expect(at(path)).toMatchObject({ reason: 'path_invalid' }))

  test('locate finds recordings at the URLs of an existing app', () => {
    const media = compileLocation({ url: '/media/:recording.mp4', key: 'consultations/:recording/video.mp4' })
    expect(placeAt('https://h/media/rec-1.mp4', [media])).toEqual({
      recording: 'rec-1',
      key: 'consultations/rec-1/video.mp4',
    })
    // The dot of the pattern is a dot.
    for (const path of ['/media/rec-1xmp4', '/media/rec-1', '/media/a/b.mp4', '/media/.mp4']) {
      expect(placeAt(`https://h${path}`, [media])).toMatchObject({ reason: 'path_invalid' })
    }
  })

  test('locate finds recordings at the root', () => {
    const root = compileLocation({ url: '/:recording/:part+', key: ':recording/:part' })
    expect(placeAt('https://h/r/p.ts', [root])).toEqual({ recording: 'r', part: 'p.ts', key: 'r/p.ts' })
  })
})

test.each([
  [{ url: 'media/:recording', key: ':recording' }, 'must begin with "/"'],
  [{ url: '/media', key: ':recording' }, '":recording" exactly once'],
  [{ url: '/:recording/:recording', key: ':recording' }, '":recording" exactly once'],
  [{ url: '/media-:recording', key: ':recording' }, '"/" right before ":recording"'],
  [{ url: '/a/../:recording', key: ':recording' }, 'no dot segments'],
  [{ url: '/a//:recording', key: ':recording' }, 'no empty'],
  [{ url: '/a*/:recording', key: ':recording' }, 'may contain letters'],
  [{ url: '/:recording/:part+/x', key: ':recording/:part' }, 'as its last segment'],
  [{ url: '/m/:recording/../x', key: ':recording' }, 'no dot segments'],
  [{ url: '/:recording', key: 'all' }, 'must contain ":recording" once'],
  [{ url: '/:recording', key: ':recording/:recording' }, 'must contain ":recording" once'],
  [{ url: '/:recording', key: ':recording/:part' }, 'if and only if'],
  [{ url: '/:recording/:part+', key: ':recording' }, 'if and only if'],
  [{ url: '/:recording/:part+', key: ':recording-:part' }, 'end with "/:part"'],
  [{ url: '/:recording/:part+', key: ':recording/:part/x' }, 'end with "/:part"'],
  [{ url: '/:recording/:part+', key: ':recording:part' }, 'end with "/:part"'],
  [{ url: '/:recording', key: 'a/../:recording' }, 'no dot segments'],
  [{ url: '/:recording', key: '/:recording' }, 'no empty'],
  [{ url: '/:recording', key: '.mediaward/bindings/:recording' }, 'the gate keeps its own objects there'],
  [{ url: '/:recording', key: 'a\u0000:recording' }, 'may contain letters'],
  [{ url: `/${'a/'.repeat(64)}:recording/:part+`, key: ':recording/:part' }, 'at most 127 characters'],
  [{ url: '/:recording/:part+', key: `${'a/'.repeat(64)}:recording/:part` }, 'at most 1024 characters'],
  [{ url: '/:recording', key: `${'a'.repeat(201)}/:recording` }, '200 per segment'],
  [{ url: '/:recording', key: `:recording${'a'.repeat(73)}` }, '200 per segment'],
])('the unsafe location %j is rejected: %s', (location, message) =>
  expect(() => compileLocation(location)).toThrow(message),
)

test('no path can name the objects that the gate keeps for itself', () => {
  const root = compileLocation({ url: '/:recording/:part+', key: ':recording/:part' })
  for (const path of ['/.mediaward/bindings/x', '/mediaward/.bindings/x', '/%2emediaward/x/y']) {
    expect(placeAt(`https://h${path}`, [root])).toMatchObject({ reason: 'path_invalid' })
  }
})

test.each(['/play/', '/access/v1/', '/console/api/'])(
  'a location below %s is a mistake, as the gate has routes of its own there',
  before => {
    const location = { url: `${before}:recording`, key: 'recordings/:recording' }
    expect(() => compileLocation(location)).toThrow(`must not begin with "${before}"`)
  },
)
