import { describe, expect, test } from 'vitest'
import { isName, isSize, MAX_SIZE, parsePieceRange, pieceSizeOf } from '../../../src/ingest/pieces.ts'

const MIB = 2 ** 20
const PIECE = 8 * MIB

describe('pieceSizeOf', () => {
  test.each([
    [1, 8],
    [PIECE + 1, 8],
    [10_000 * PIECE, 8],
    [10_000 * PIECE + 1, 9],
    [10_000 * 9 * MIB, 9],
    [10_000 * 9 * MIB + 1, 10],
    [MAX_SIZE, 525],
  ])('a part of %i bytes is uploaded in pieces of %i MiB', (size, mib) => {
    expect(pieceSizeOf(size)).toBe(mib * MIB)
    expect(Math.ceil(size / pieceSizeOf(size))).toBeLessThanOrEqual(10_000)
  })

  test('a part is never uploaded in over 10,000 pieces, nor in pieces larger than R2 takes', () => {
    for (let size = 1; size <= MAX_SIZE; size = Math.ceil(size * 1.37)) {
      expect(Math.ceil(size / pieceSizeOf(size))).toBeLessThanOrEqual(10_000)
      expect(pieceSizeOf(size)).toBeLessThanOrEqual(5 * 2 ** 30)
      expect(pieceSizeOf(size) % MIB).toBe(0)
    }
  })
})

test.each([
  [`bytes 0-${PIECE - 1}/${PIECE}`, 1, PIECE],
  [`bytes 0-${PIECE - 1}/${PIECE + 1}`, 1, PIECE],
  [`bytes ${PIECE}-${PIECE}/${PIECE + 1}`, 2, 1],
  [`Bytes ${2 * PIECE}-${3 * PIECE - 1}/${4 * PIECE}`, 3, PIECE],
  ['bytes 0-0/1', 1, 1],
  [`bytes ${MAX_SIZE - (MAX_SIZE % (525 * MIB))}-${MAX_SIZE - 1}/${MAX_SIZE}`, 9987, MAX_SIZE % (525 * MIB)],
])('the Content-Range %s is piece %i, of %i bytes', (range, number, length) => {
  expect(parsePieceRange(range)).toEqual({ number, length })
})

test.each([
  '',
  'bytes',
  'bytes 0-9',
  'bytes 0-9/*',
  'bytes */10',
  'bytes=0-9/10',
  'items 0-9/10',
  'bytes 0-9/10, 10-19/20',
  'bytes -1-9/10',
  'bytes 0-9/0x10',
  'bytes 0-9/1e1',
  'bytes 0-8/10',
  'bytes 0-10/10',
  'bytes 1-9/10',
  'bytes 0-9/0',
  `bytes 0-9/${PIECE + 10}`,
  `bytes 0-${PIECE}/${PIECE + 10}`,
  `bytes 1-${PIECE}/${PIECE + 10}`,
  `bytes ${PIECE}-${PIECE - 1}/${PIECE}`,
  `bytes ${PIECE}-${PIECE + 9}/${PIECE}`,
  `bytes 0-${PIECE - 1}/${MAX_SIZE + 1}`,
  `bytes 0-${PIECE - 1}/9999999999999999`,
  `bytes 0-${PIECE - 1}/99999999999999999999999`,
])('the Content-Range %j is refused, as it is not a piece', range => {
  expect(parsePieceRange(range)).toMatchObject({ reason: 'upload_invalid' })
})

test.each([0, -1, 1.5, MAX_SIZE + 1, Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined, 1n])(
  '%o is not the size of an upload',
  size => expect(isSize(size)).toBe(false),
)

test.each([
  [''],
  ['a b'],
  ['a\n'],
  ['ä'],
  ['a'.repeat(1025)],
  ['a\u0000'],
  [1],
  [null],
  [undefined],
  [['a']],
  [{}],
])('%o is not the name of an upload or a piece', name => expect(isName(name)).toBe(false))

test('the name of an upload may hold any visible ASCII character, and 1,024 of them', () => {
  expect(isName('!"#$%&\'()*+,-./~')).toBe(true)
  expect(isName('a'.repeat(1024))).toBe(true)
})
