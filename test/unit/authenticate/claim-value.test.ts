import { describe, expect, test } from 'vitest'
import { claimAt, hasValue, namesIn } from '../../../src/authenticate/claim-value.ts'

test.each<[string | string[], object, unknown]>([
  ['sub', { sub: 'p' }, 'p'],
  ['a.b', { 'a.b': 1, a: { b: 2 } }, 1],
  [['a', 'b'], { 'a.b': 1, a: { b: 2 } }, 2],
  [['a.b'], { 'a.b': 1 }, 1],
  [[], { a: 1 }, { a: 1 }],
  [['a', 'b'], { a: null }, undefined],
  [['a', 'b'], { a: 'text' }, undefined],
  [['a', '0'], { a: ['x'] }, undefined],
  [['a', 'length'], { a: ['x'] }, undefined],
  ['constructor', {}, undefined],
  ['__proto__', {}, undefined],
  [['constructor', 'name'], {}, undefined],
  [['a', '__proto__', 'b'], { a: {} }, undefined],
])('the path %j leads in %j to %j', (path, claims, value) =>
  expect(claimAt(claims as Record<string, unknown>, path)).toEqual(value),
)

describe('names', () => {
  test.each<[unknown, ' ' | ',', readonly string[]]>([
    [['a', 'b c', 'd,e', 1, null, ['f']], ' ', ['a', 'b c', 'd,e']],
    [['a,b'], ',', ['a,b']],
    // A name that ends or begins with another white space is another name.
    ['\u00a0a b\ufeff c\n \td', ' ', ['\u00a0a', 'b\ufeff', 'c\n', '\td']],
    ['a,  b  ,\u00a0c,\td', ',', ['a', 'b', '\u00a0c', '\td']],
    ['a b  c', ' ', ['a', 'b', '', 'c']],
    ['a,b', ' ', ['a,b']],
    ['a, b,c d', ',', ['a', 'b', 'c d']],
    [{ a: true, b: false, c: null, d: 0, e: '', f: [], g: {} }, ' ', ['a']],
    [{ a: 1, b: 'x', c: [0], d: { x: null } }, ' ', ['a', 'b', 'c', 'd']],
    [undefined, ' ', []],
    [true, ' ', []],
    [7, ' ', []],
    [null, ' ', []],
  ])('the names in %j, with %j between two of them, are %j', (claim, separator, names) =>
    expect(namesIn(claim, separator)).toEqual(names),
  )
})

test.each<[unknown, (string | number | boolean)[], boolean]>([
  ['access', ['access'], true],
  ['access', ['id', 'access'], true],
  ['openid recordings.play', ['recordings.play'], true],
  ['openid recordings.play', ['openid recordings.play'], true],
  ['openid recordings.play', ['recordings'], false],
  [['a b', 'c'], ['a'], false],
  [['a b', 'c'], ['c'], true],
  [['a'], ['b'], false],
  [2, [2], true],
  [2, ['2'], false],
  ['2', [2], false],
  [true, [true], true],
  ['true', [true], false],
  [null, ['null'], false],
  [{ a: 1 }, ['a'], false],
  [[['a']], ['a'], false],
  ['', [''], true],
])('the claim %j has one of the values %j: %j', (claim, values, has) =>
  expect(hasValue(claim, values)).toBe(has),
)
