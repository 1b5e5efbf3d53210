import { describe, expect, test } from 'vitest'
import { failedPrecondition, rangeHolds } from '../../../src/http/preconditions.ts'

// RFC 9110 13.2.2: every combination of what four headers can say, against the steps of that section written out.

const NOW = Date.UTC(2026, 10, 23)
const current = { etag: '"now"', modified: Date.UTC(2026, 0, 1) }
const earlier = 'Wed, 31 Dec 2025 00:00:00 GMT'
const later = 'Fri, 02 Jan 2026 00:00:00 GMT'

const ETAGS = {
  absent: undefined,
  same: '"now"',
  weak: 'W/"now"',
  other: '"then"',
  any: '*',
  malformed: 'now',
  list: '"then", "now"',
}
const DATES = { absent: undefined, earlier, later, malformed: 'yesterday' }

function expected(im: string, ius: string, inm: string, ims: string, method: string): 304 | 412 | undefined {
  const reading = method !== 'PUT'
  if (im !== 'absent') {
    if (!['same', 'any', 'list'].includes(im)) return 412
  } else if (ius === 'earlier') return 412
  if (inm !== 'absent') {
    if (['same', 'weak', 'any', 'list'].includes(inm)) return reading ? 304 : 412
  } else if (reading && ims === 'later') return 304
  return undefined
}

describe('failedPrecondition', () => {
  test.each(['GET', 'HEAD', 'PUT'])(
    'every combination of preconditions on a %s follows the steps of RFC 9110',
    method => {
      let combinations = 0
      for (const [im, ifMatch] of Object.entries(ETAGS))
        for (const [ius, unmodified] of Object.entries(DATES))
          for (const [inm, ifNoneMatch] of Object.entries(ETAGS))
            for (const [ims, modified] of Object.entries(DATES)) {
              const headers = new Headers()
              if (ifMatch) headers.set('If-Match', ifMatch)
              if (unmodified) headers.set('If-Unmodified-Since', unmodified)
              if (ifNoneMatch) headers.set('If-None-Match', ifNoneMatch)
              if (modified) headers.set('If-Modified-Since', modified)
              const answer = failedPrecondition(method, headers, current, NOW)
              expect(answer, JSON.stringify({ im, ius, inm, ims })).toBe(expected(im, ius, inm, ims, method))
              combinations++
            }
      expect(combinations).toBe(7 * 4 * 7 * 4)
    },
  )

  test('without a stored object only If-Match fails', () => {
    expect(failedPrecondition('PUT', new Headers({ 'If-Match': '*' }), null, NOW)).toBe(412)
    expect(failedPrecondition('PUT', new Headers({ 'If-None-Match': '*' }), null, NOW)).toBeUndefined()
    expect(
      failedPrecondition('PUT', new Headers({ 'If-Unmodified-Since': earlier }), null, NOW),
    ).toBeUndefined()
  })
})

test.each([
  [null, true],
  ['"now"', true],
  ['W/"now"', false],
  ['"then"', false],
  ['"now", "then"', false],
  ['*', false],
  ['now', false],
  ['', false],
  [new Date(current.modified).toUTCString(), true],
  [later, false],
  [earlier, false],
])('an If-Range of %j lets a range be served: %s', (header, holds) =>
  expect(rangeHolds(header, current, NOW)).toBe(holds),
)
