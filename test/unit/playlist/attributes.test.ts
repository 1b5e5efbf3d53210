import { expect, test } from 'vitest'
import { parseAttributes } from '../../../src/playlist/attributes.ts'

/** The attributes of a list as `NAME=value`. Their offsets must be those of the value. */
const parsed = (list: string) =>
  parseAttributes(list)?.map(({ name, value, from, to }) => {
    expect(list.slice(from, to)).toBe(value)
    return `${name}=${value}`
  })

test.each([
  ['', []],
  ['A=1', ['A=1']],
  ['A=1,B-2="x, y"', ['A=1', 'B-2=x, y']],
  ['A=,B=""', ['A=', 'B=']],
  ['A=" x "', ['A=x']],
  ['A=1,', ['A=1']],
  [' A=1,\tB=2', ['A=1', 'B=2']],
  // Leniently.
  ['A = 1', ['A=1']],
  ['A = "1" ,B=2', ['A=1', 'B=2']],
  ['A=\t"1"\t', ['A=1']],
  ['A= 1 ', ['A=1']],
  ['A=x y,B=1', ['A=x y', 'B=1']],
  ['a=1', ['A=1']],
  ['x A=1', ['A=1']],
  ['x,,A=1', ['A=1']],
  ['A=1,,B=2', ['A=1', 'B=2']],
  ['A=1,x', ['A=1']],
  ['x', []],
  [' ', []],
  ['=1', ['=1']],
  ['A==', ['A==']],
  ['A.B=1', ['A.B=1']],
  ['x A = " 1 " ,B = 2', ['A=1', 'B=2']],
  [`${'x'.repeat(100)}A=1`, [`${'X'.repeat(63)}A=1`]],
])('the attribute list %j is parsed as %j', (list, expected) => expect(parsed(list)).toEqual(expected))

test('a tag may have 256 attributes, and no more', () => {
  expect(parsed('A=1,'.repeat(256))).toHaveLength(256)
  expect(parsed('A=1,'.repeat(257))).toBeUndefined()
  expect(parsed('A =1,'.repeat(256))).toHaveLength(256)
  expect(parsed('A =1,'.repeat(257))).toBeUndefined()
})

test.each([
  ...['A="1', 'A=1"', 'A="1"x', 'A="1" x', 'A="1""2"', 'A"=1', '"', '"A=1', 'A=1,"', 'A= "1', 'A= "1"x'],
  ...['A=x"y"', 'A=x "y"', 'A=x\'"', 'A="1",x"', 'A = "1" ;'],
])('the attribute list %j is ambiguous', list => expect(parsed(list)).toBeUndefined())
