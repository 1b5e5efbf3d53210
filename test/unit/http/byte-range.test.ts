import { describe, expect, test } from 'vitest'
import { parseRange, requestedRange, selectRange } from '../../../src/http/byte-range.ts'

const select = (header: string, size: number) => {
  const specs = parseRange(header)
  return specs === undefined ? 'ignored' : selectRange(specs, size)
}

describe('offsets beyond 32 bits', () => {
  const size = 6 * 2 ** 30
  test('a range past 4 GiB and past 5 GB', () => {
    expect(select('bytes=5000000000-5000000099', size)).toEqual({ offset: 5_000_000_000, length: 100 })
    expect(requestedRange(parseRange('bytes=5000000000-5000000099'))).toEqual({
      offset: 5_000_000_000,
      length: 100,
    })
  })
  test('the last byte', () => expect(select('bytes=-1', size)).toEqual({ offset: size - 1, length: 1 }))
  test('numbers beyond any object ask for what there is', () => {
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
  ])('%s of 100 bytes', (header, expected) => expect(select(header, 100)).toEqual(expected))
  test('are asked for as the whole', () =>
    expect(requestedRange(parseRange('bytes=0-9,10-19'))).toBeUndefined())
})

test('an empty object is sent whole, whatever is asked for', () => {
  for (const header of ['bytes=0-', 'bytes=-1', 'bytes=-0', 'bytes=5-9'])
    expect(select(header, 0)).toBe('whole')
})

test('white space that HTTP does not know is no white space', () => {
  expect(select('bytes=\u00a00-9', 100)).toBe('ignored')
  expect(select('bytes=0-9\u000b', 100)).toBe('ignored')
  expect(select('bytes= \t0-9\t ,', 100)).toEqual({ offset: 0, length: 10 })
})
