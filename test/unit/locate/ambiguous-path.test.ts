import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ambiguousPath } from '../../../src/locate/ambiguous-path.ts'
import { locate } from '../../../src/locate/locate.ts'
import { compileLocation, type Location } from '../../../src/locate/location.ts'
import { isPart, isRecording } from '../../../src/locate/names.ts'
import { sample } from '../../support/sample.ts'

const at = (url: string): Location => ({
  url,
  key: url.includes(':part+') ? 'k/:recording/:part' : 'k/:recording',
})
const idAt = (url: string, path: string): string | undefined => {
  const found = locate(path, [compileLocation(at(url))])
  return 'ref' in found ? found.ref.recording : undefined
}

test.each([
  ['/m/:recording', '/m/:recording.mp4'],
  ['/m/:recording/:part+', '/m/:recording.mp4/:part+'],
  ['/m/:recording/:part+', '/m/hls/:recording/:part+'],
  ['/:recording/:part+', '/video/:recording'],
  ['/:recording/:part+', '/b/:recording'],
  ['/m/:recording/:part+', '/m/a/b/:recording.mp4'],
  ['/m/:recording.mp4', '/m/:recording.b.mp4'],
])('the locations %s and %s read one path as different recordings', (one, other) => {
  for (const [a, b] of [
    [one, other],
    [other, one],
  ] as const) {
    const path = ambiguousPath(a, b) ?? ''
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
])('the locations %s and %s read no path as different recordings', (one, other) => {
  expect(ambiguousPath(one, other)).toBeUndefined()
  expect(ambiguousPath(other, one)).toBeUndefined()
})

test.each([
  ['k/v:recording', 'k/va:recording', true],
  ['k/:recording', 'k/v:recording', true],
  ['k/v:recording.b', 'k/va:recording', true],
  ['k/v:recording/:part+', 'k/va:recording/:part+', true],
  ['k/v:recording/:part+', 'k/va:recording/x', true],
  ['k/v:recording', 'k/v-:recording', false],
  ['k/v:recording', 'k/w:recording', false],
  ['k/v:recording.mp4', 'k/va:recording.webm', false],
  ['k/v:recording/a', 'k/va:recording/b', false],
])('the keys %s and %s can be equal for different recordings: %s', (one, other, can) => {
  expect(ambiguousPath(one, other) !== undefined).toBe(can)
  expect(ambiguousPath(other, one) !== undefined).toBe(can)
})

test('ambiguousPath finds every ambiguity that trying many paths finds, and no false one', () => {
  const literal = fc.constantFrom('a', 'b', 'c', 'a.b', 'x')
  const begin = fc.constantFrom('', '', 'a', 'a.', 'q', '-')
  const end = fc.constantFrom('', '', '.b', '.a.b', '-', 'b')
  const pattern = fc
    .tuple(
      fc.array(literal, { maxLength: 2 }),
      begin,
      end,
      fc.array(literal, { maxLength: 2 }),
      fc.constantFrom('', '/:part+'),
    )
    .map(
      ([before, beginning, ending, after, parts]) =>
        `${['', ...before, `${beginning}:recording${ending}`, ...after].join('/')}${parts}`,
    )
  // Of what patterns are made of, and of something else.
  const segments = [
    'a',
    'b',
    'c',
    'x',
    'a.b',
    'q',
    'a.a.b',
    'q.b',
    'q.a.b',
    'qb',
    'q-',
    'qa',
    'aa',
    'a.q.b',
    'aqb',
  ]
  const paths = [''].concat(
    ...[1, 2, 3].map(length =>
      Array.from({ length }, () => segments).reduce<string[]>(
        (begun, next) => begun.flatMap(path => next.map(segment => `${path}/${segment}`)),
        [''],
      ),
    ),
  )
  const idBy = (pattern: string): ((path: string) => string | undefined) => {
    const source = pattern
      .replaceAll(/[.]/g, '\\.')
      .replace(':recording', '([^/]+)')
      .replace(':part+', '(.+)')
    const expression = new RegExp(`^${source}$`)
    return path => {
      const [, id = '', part = 'x'] = expression.exec(path) ?? []
      return isRecording(id) && isPart(part) ? id : undefined
    }
  }
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const [a, b] = [idBy(one), idBy(other)]
      const differs = (path: string) => {
        const [x, y] = [a(path), b(path)]
        return x !== undefined && y !== undefined && x !== y
      }
      const byTrying = paths.some(differs)
      const found = ambiguousPath(one, other)
      if (found !== undefined) expect(differs(found)).toBe(true)
      // Trying goes no deeper than three segments, and not to every id.
      if (byTrying) expect(found).toBeDefined()
    }),
    sample(150, 5_000),
  )
})
