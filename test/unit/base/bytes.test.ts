import { expect, test } from 'vitest'
import { detached, hexOf, joined } from '../../../src/base/bytes.ts'

test('bytes are written as two lower-case hexadecimal digits each', () => {
  expect(hexOf(Uint8Array.of(0, 1, 0xab, 0xff))).toBe('0001abff')
  expect(hexOf(new Uint8Array())).toBe('')
})

test('chunks are joined in their order', () => {
  expect(joined([Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)], 3)).toEqual(Uint8Array.of(1, 2, 3))
  expect(joined([], 0)).toEqual(new Uint8Array())
})

test('a detached string is the same string', () => {
  for (const string of ['', ' ', 'rec-1', 'é💙']) expect(detached(string)).toBe(string)
})
