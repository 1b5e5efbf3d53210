import { describe, expect, test } from 'vitest'
import { parseRange, requestedRange, selectRange, servedRange } from '../../../src/http/byte-range.ts'

const select = (header: string, size: number) => {
  const specs = parseRange(header)
  return specs === undefined ? 'ignored' : selectRange(specs, size)
}

describe('large offsets', () => {
  const size = 6 * 2 ** 30
  test('a Range past 4 GiB and 5 GB is selected and requested at its exact offset', () => {
    expect(select('bytes=5000000000-5000000099', size)).toEqual({ offset: 5_000_000_000, length: 100 })
    expect(requestedRange(parseRange('bytes=5000000000-5000000099'))).toEqual({
      offset: 5_000_000_000,
      length: 100,
    })
  })
  test('the last byte of an object of 6 GiB is selected at its exact offset', () =>
    expect(select('bytes=-1', size)).toEqual({ offset: size - 1, length: 1 }))
  test('a number beyond any object is requested as the end, or as the largest safe integer', () => {
    expect(requestedRange(parseRange(`bytes=5-${'9'.repeat(40)}`))).toEqual({ offset: 5 })
    expect(requestedRange(parseRange(`bytes=${'9'.repeat(40)}-`))).toEqual({
      offset: Number.MAX_SAFE_INTEGER,
    })
    expect(requestedRange(parseRange(`bytes=-${'9'.repeat(40)}`))).toEqual({
      suffix: Number.MAX_SAFE_INTEGER,
    })
  })
})

describe('several ranges', () => {
  test.each([
    ['bytes=0-9,10-19', { offset: 0, length: 20 }],
    ['bytes=10-19,0-9', { offset: 0, length: 20 }],
    ['bytes=0-9,5-14', { offset: 0, length: 15 }],
    ['bytes=0-0,500-', { offset: 0, length: 1 }],
    ['bytes=0-0,2-2', 'whole'],
    ['bytes=0-,-1', 'whole'],
    ['bytes=100-,200-', 'unsatisfiable'],
    ['bytes=-0,100-', 'unsatisfiable'],
  ])('the Range %s of 100 bytes selects %j', (header, expected) =>
    expect(select(header, 100)).toEqual(expected),
  )
  test('several ranges are requested from the store as the whole object', () =>
    expect(requestedRange(parseRange('bytes=0-9,10-19'))).toBeUndefined())
})

test('an empty object is sent whole, whatever Range a request has', () => {
  for (const header of ['bytes=0-', 'bytes=-1', 'bytes=-0', 'bytes=5-9'])
    expect(select(header, 0)).toBe('whole')
})

test('a Range with white space that HTTP does not know is ignored', () => {
  expect(select('bytes=\u00a00-9', 100)).toBe('ignored')
  expect(select('bytes=0-9\u000b', 100)).toBe('ignored')
  expect(select('bytes= \t0-9\t ,', 100)).toEqual({ offset: 0, length: 10 })
})

describe('parseRange', () => {
  test.each([
    ['bytes=0-0', [{ first: 0, last: 0 }]],
    ['bytes=0-', [{ first: 0, last: Number.POSITIVE_INFINITY }]],
    ['bytes=-5', [{ suffix: 5 }]],
    ['BYTES=1-22', [{ first: 1, last: 22 }]],
    ['bytes=,0-1,, -5,', [{ first: 0, last: 1 }, { suffix: 5 }]],
    [`bytes=${' '.repeat(247)}0-1`, [{ first: 0, last: 1 }]],
  ])('the Range %j is parsed', (header, specs) => expect(parseRange(header)).toEqual(specs))

  test.each([
    null,
    '',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=a-1',
    'bytes=1-a',
    'bytes=1',
    'bytes=2-1',
    'bytes=0-1 2-3',
    'bytes=0-1,2-1',
    'bytes=--1',
    'bytes=1--2',
    'bytes = 0-1',
    ' bytes=0-1',
    'xbytes=0-1',
    'byte=0-1',
    'seconds=0-1',
    `bytes=${' '.repeat(248)}0-1`,
  ])('the Range %j is ignored', header => expect(parseRange(header)).toBeUndefined())
})

test.each([
  [undefined, undefined],
  ['bytes=2-5', { offset: 2, length: 4 }],
  ['bytes=2-2', { offset: 2, length: 1 }],
  ['bytes=2-', { offset: 2 }],
  ['bytes=-4', { suffix: 4 }],
  ['bytes=-0', undefined],
  ['bytes=-1,-2', undefined],
  [`bytes=5-${Number.MAX_SAFE_INTEGER}`, { offset: 5 }],
  [`bytes=0-${Number.MAX_SAFE_INTEGER - 1}`, { offset: 0, length: Number.MAX_SAFE_INTEGER }],
])('the Range %j is requested from the store as %j', (header, range) => {
  expect(requestedRange(header === undefined ? undefined : parseRange(header))).toEqual(range)
})

describe('servedRange', () => {
  test.each([
    [undefined, { offset: 0, length: 10 }],
    [{ offset: 0 }, { offset: 0, length: 10 }],
    [{ offset: 4 }, { offset: 4, length: 6 }],
    [
      { offset: 4, length: 2 },
      { offset: 4, length: 2 },
    ],
    [
      { offset: 4, length: 6 },
      { offset: 4, length: 6 },
    ],
    [
      { offset: 4, length: 7 },
      { offset: 4, length: 6 },
    ],
    [{ offset: 9 }, { offset: 9, length: 1 }],
    [{ offset: 10 }, undefined],
    [{ offset: 11, length: 1 }, undefined],
    [{ suffix: 3 }, { offset: 7, length: 3 }],
    [{ suffix: 10 }, { offset: 0, length: 10 }],
    [{ suffix: 11 }, { offset: 0, length: 10 }],
  ])('a store that is asked for %j of 10 bytes serves %j', (range, served) =>
    expect(servedRange(range, 10)).toEqual(served),
  )

  test('a store serves all of an empty object, and no range of it', () => {
    expect(servedRange(undefined, 0)).toEqual({ offset: 0, length: 0 })
    expect(servedRange({ offset: 0 }, 0)).toBeUndefined()
    expect(servedRange({ suffix: 1 }, 0)).toBeUndefined()
  })
})

test.each([
  ['bytes=0-9', { offset: 0, length: 10 }],
  ['bytes=0-', { offset: 0, length: 10 }],
  ['bytes=3-4', { offset: 3, length: 2 }],
  ['bytes=3-99', { offset: 3, length: 7 }],
  ['bytes=9-', { offset: 9, length: 1 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-3', { offset: 7, length: 3 }],
  ['bytes=-99', { offset: 0, length: 10 }],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=0-4,5-9', 'whole'],
  ['bytes=0-7,2-3,9-9', 'whole'],
  ['bytes=1-7,2-3,8-8', { offset: 1, length: 8 }],
])('the Range %s of 10 bytes selects %j', (header, range) => expect(select(header, 10)).toEqual(range))
