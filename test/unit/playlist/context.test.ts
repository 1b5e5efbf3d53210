import { expect, test } from 'vitest'
import { compileLocation } from '../../../src/locate/location.ts'
import { contextOf } from '../../../src/playlist/context.ts'

const ORIGIN = 'https://media.clinic.example'
const locations = [
  { url: '/recordings/:recording', key: 'recordings/:recording' },
  { url: '/recordings/:recording/:part+', key: 'recordings/:recording/:part' },
  { url: '/archive/:recording/:part+', key: 'archive/:recording/:part' },
].map(compileLocation)

test('the context of a part has the name of the part and the origin of the gate', () => {
  const ref = { recording: 'rec-013', part: 'a/main.mpd', key: 'recordings/rec-013/a/main.mpd' }
  expect(contextOf(ref, locations, ORIGIN)).toMatchObject({
    origin: ORIGIN,
    part: 'a/main.mpd',
    name: 'a/main.mpd',
  })
})

test('the context of a recording that is one object has its key, and no path names a part in it', () => {
  const context = contextOf({ recording: 'rec-013', key: 'recordings/rec-013' }, locations, undefined)
  expect(context).toMatchObject({ origin: undefined, part: undefined, name: 'recordings/rec-013' })
  for (const path of ['/recordings/rec-013', '/recordings/rec-013/x'])
    expect(context.partOf(path)).toBeUndefined()
})

test.each([
  ['/recordings/rec-013/x', 'x'],
  ['/recordings/rec-013/a/b', 'a/b'],
  ['/recordings/rec-013', undefined],
  ['/recordings/rec-014/x', undefined],
  ['/recordings/rec-013/../rec-014/x', undefined],
  ['/elsewhere/rec-013/x', undefined],
  // The same recording, stored at another location, which relative URLs don't lead to.
  ['/archive/rec-013/x', undefined],
])('the path %s names the part %s', (path, part) => {
  const ref = { recording: 'rec-013', part: 'a/main.mpd', key: 'recordings/rec-013/a/main.mpd' }
  expect(contextOf(ref, locations, ORIGIN).partOf(path)).toBe(part)
})

test('a path of another recording names no part, even if its key is the same', () => {
  const sameKey = [
    { url: '/one/:recording/:part+', key: 'x:recording/:part' },
    { url: '/two/:recording/:part+', key: 'xy:recording/:part' },
  ].map(compileLocation)
  const context = contextOf({ recording: 'z', part: 'a', key: 'xyz/a' }, sameKey, ORIGIN)
  expect(context.partOf('/two/z/b')).toBe('b')
  expect(context.partOf('/one/yz/b')).toBeUndefined()
})
