import { describe, expect, test } from 'vitest'
import { matchesStrongly, matchesWeakly, parseEntityTags } from '../../../src/http/entity-tag.ts'

const strong = (opaque: string) => ({ weak: false, opaque })
const weak = (opaque: string) => ({ weak: true, opaque })

describe('parseEntityTags', () => {
  test.each([
    ['"a"', [strong('"a"')]],
    ['W/"a"', [weak('"a"')]],
    ['""', [strong('""')]],
    ['"a", W/"b" ,"c"', [strong('"a"'), weak('"b"'), strong('"c"')]],
    ['"a","b"', [strong('"a"'), strong('"b"')]],
    // RFC 9110 5.6.1.2: empty elements count for nothing.
    [' ,\t, "a" , ,\t"b",, ', [strong('"a"'), strong('"b"')]],
    ['"a,b"', [strong('"a,b"')]],
    [`"!#~\u0080\u00ff"`, [strong('"!#~\u0080\u00ff"')]],
  ])('the entity tags of %j are parsed', (header, tags) => expect(parseEntityTags(header)).toEqual(tags))

  test.each([
    '',
    ' ',
    ',',
    '*',
    'a',
    '"a',
    'a"',
    '"a" "b"',
    '"a"b',
    '"a b"',
    '"a""b"',
    '"a"W/"b"',
    '"a", b',
    'w/"a"',
    'W/ "a"',
    'W/a',
    '"a\u0000"',
    '"a\u007f"',
    '"a"\u000b,"b"',
    '\u00a0"a"',
  ])('the list of entity tags %j is malformed', header => expect(parseEntityTags(header)).toBeUndefined())
})

test('a weak entity tag matches weakly, and never strongly', () => {
  const tags = [strong('"a"'), weak('"b"')]
  expect(['"a"', '"b"', '"c"', 'a'].map(etag => matchesWeakly(tags, etag))).toEqual([
    true,
    true,
    false,
    false,
  ])
  expect(['"a"', '"b"', '"c"', 'a'].map(etag => matchesStrongly(tags, etag))).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect(matchesStrongly([weak('"a"'), strong('"a"')], '"a"')).toBe(true)
  expect([matchesWeakly([], '"a"'), matchesStrongly([], '"a"')]).toEqual([false, false])
})
