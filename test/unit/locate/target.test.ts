import { expect, test } from 'vitest'
import { compileLocation, locationsUnder } from '../../../src/locate/location.ts'
import { methodsAt, operationOf } from '../../../src/locate/target.ts'

const standard = locationsUnder('/recordings').map(compileLocation)
const ask = (method: string, path: string) => new Request(`https://media.test${path}`, { method })
const at = (method: string, path: string) => operationOf(ask(method, path), standard)

const whole = { recording: 'rec-1', key: 'recordings/rec-1' }
const part = { recording: 'rec-1', part: 'a/b.ts', key: 'recordings/rec-1/a/b.ts' }
const named = { recording: 'rec-1', part: 'upload', key: 'recordings/rec-1/upload' }

test.each([
  ['PUT', '/recordings/rec-1', 'store', whole],
  ['PUT', '/recordings/rec-1/a/b.ts', 'store', part],
  ['POST', '/recordings/rec-1/upload', 'upload', whole],
  ['DELETE', '/recordings/rec-1/upload', 'upload', whole],
  ['POST', '/recordings/rec-1/a/b.ts/upload', 'upload', part],
  ['DELETE', '/recordings/rec-1/upload/upload', 'upload', named],
  ['PUT', '/recordings/rec-1/upload', 'store', named],
  ['GET', '/recordings/rec-1/upload', 'play', named],
  ['DELETE', '/recordings/rec-1', undefined, whole],
  ['POST', '/recordings/rec-1', undefined, whole],
  ['PATCH', '/recordings/rec-1/upload', undefined, named],
])('the operation of %s %s is %s', (method, path, action, ref) => {
  expect(at(method, path)).toEqual({ action, ref })
})

test.each(['/upload', '/recordings/upload', '/recordings//upload', '/recordings/rec-1/../upload'])(
  'POST %s is refused as an invalid path',
  path => {
    // As a runtime hands it over that resolves nothing.
    const request = { method: 'POST', url: `https://media.test${path}` } as Request
    expect(operationOf(request, standard)).toMatchObject({ reason: 'path_invalid' })
  },
)

test('a configured location has an upload operation too', () => {
  const media = compileLocation({ url: '/media/:recording.mp4', key: 'films/:recording/video.mp4' })
  expect(operationOf(ask('POST', '/media/rec-1.mp4/upload'), [media])).toEqual({
    action: 'upload',
    ref: { recording: 'rec-1', key: 'films/rec-1/video.mp4' },
  })
})

test.each([
  ['/recordings/rec-1', 'GET, HEAD, PUT, OPTIONS'],
  ['/recordings/rec-1/a/b.ts', 'GET, HEAD, PUT, OPTIONS'],
  ['/recordings/rec-1/ticket', 'GET, HEAD, POST, PUT, OPTIONS'],
  ['/recordings/rec-1/upload', 'DELETE, GET, HEAD, POST, PUT, OPTIONS'],
  ['/recordings/rec-1/upload?x=/ticket', 'DELETE, GET, HEAD, POST, PUT, OPTIONS'],
  ['/play/TICKET/upload', 'GET, HEAD, OPTIONS'],
])('the methods of %s are %s', (path, methods) => {
  expect(methodsAt(ask('PATCH', path), true)).toBe(methods)
})

test('a gate without tickets names no method that asks for one', () => {
  expect(methodsAt(ask('POST', '/recordings/rec-1/ticket'), false)).toBe('GET, HEAD, PUT, OPTIONS')
})
