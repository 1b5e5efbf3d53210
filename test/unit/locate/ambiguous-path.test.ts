import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ambiguousPath } from '../../../src/locate/ambiguous-path.ts'
import { locate } from '../../../src/locate/locate.ts'
import { compileLocation, type Location } from '../../../src/locate/location.ts'
import { sample } from '../../support/sample.ts'

const at = (url: string): Location => ({
  url,
  key: url.includes(':part+') ? 'k/:recording/:part' : 'k/:recording',
})
const idAt = (url: string, path: string): string | undefined => {
  const found = locate(path, [compileLocation(at(url))])
  return 'place' in found ? found.place.recording : undefined
}

test.each([
  ['/m/:recording', '/m/:recording.mp4'],
  ['/m/:recording/:part+', '/m/:recording.mp4/:part+'],
  ['/m/:recording/:part+', '/m/hls/:recording/:part+'],
  ['/:recording/:part+', '/video/:recording'],
  ['/:recording/:part+', '/b/:recording'],
  ['/m/:recording/:part+', '/m/a/b/:recording.mp4'],
  ['/m/:recording.mp4', '/m/:recording.b.mp4'],
])('%s and %s take a path for different recordings', (one, other) => {
  for (const [a, b] of [
    [one, other],
    [other, one],
  ] as const) {
    const path = ambiguousPath(at(a), at(b)) ?? ''
    expect(idAt(a, path)).toBeDefined()
    expect(idAt(b, path)).toBeDefined()
    expect(idAt(a, path)).not.toBe(idAt(b, path))
  }
})

test.each([
  ['/m/:recording', '/m/:recording/:part+'],
  ['/m/:recording.mp4', '/m/:recording.webm'],
  ['/m/:recording.mp4', '/m/:recording/hls/:part+'],
  ['/m/:recording/:part+', '/m/:recording/hls/:part+'],
  ['/m/:recording', '/n/:recording'],
  ['/m/:recording', '/m/:recording-'],
  ['/m/:recording/:part+', '/m/.x/:recording'],
  ['/:recording/x', '/x/:recording'],
])('%s and %s do not', (one, other) => {
  expect(ambiguousPath(at(one), at(other))).toBeUndefined()
  expect(ambiguousPath(at(other), at(one))).toBeUndefined()
})

test('a path is found if and only if one is found by trying', () => {
  const literal = fc.constantFrom('a', 'b', 'c', 'a.b', 'x')
  const end = fc.constantFrom('', '', '.b', '.a.b', '-', 'b')
  const url = fc
    .tuple(
      fc.array(literal, { maxLength: 2 }),
      end,
      fc.array(literal, { maxLength: 2 }),
      fc.constantFrom('', '/:part+'),
    )
    .map(
      ([before, ending, after, parts]) =>
        `${['', ...before, `:recording${ending}`, ...after].join('/')}${parts}`,
    )
  // Of what patterns are made of, and of something else.
  const segments = ['a', 'b', 'c', 'x', 'a.b', 'q', 'a.a.b', 'q.b', 'q.a.b', 'qb', 'q-']
  const paths = [''].concat(
    ...[1, 2, 3].map(length =>
      Array.from({ length }, () => segments).reduce<string[]>(
        (begun, next) => begun.flatMap(path => next.map(segment => `${path}/${segment}`)),
        [''],
      ),
    ),
  )
  fc.assert(
    fc.property(url, url, (one, other) => {
      const [a, b] = [one, other].map(of => [compileLocation(at(of))])
      const byTrying = paths.some(path => {
        const [x, y] = [locate(path, a ?? []), locate(path, b ?? [])]
        return 'place' in x && 'place' in y && x.place.recording !== y.place.recording
      })
      const found = ambiguousPath(at(one), at(other))
      if (found !== undefined) expect(idAt(one, found)).not.toBe(idAt(other, found))
      // Trying goes no deeper than three segments.
      if (byTrying) expect(found).toBeDefined()
      else if (found !== undefined) expect(found.split('/').length).toBeGreaterThan(4)
    }),
    sample(150, 5_000),
  )
})
