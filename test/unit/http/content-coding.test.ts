import { expect, test } from 'vitest'
import { contentCodings, storedEncoding } from '../../../src/http/content-coding.ts'

test.each([
  [undefined, [], undefined],
  [null, [], undefined],
  ['', [], undefined],
  [' , ', [], undefined],
  ['identity', [], undefined],
  ['Identity, identity', [], undefined],
  ['gzip', ['gzip'], 'gzip'],
  ['GZIP ,br', ['gzip', 'br'], 'gzip, br'],
  ['x-anything', ['x-anything'], 'x-anything'],
  // A frame around an upload on its way: in what is stored it is gone, in what comes it is there.
  ['aws-chunked', ['aws-chunked'], undefined],
  ['AWS-Chunked, gzip', ['aws-chunked', 'gzip'], 'gzip'],
  ['aws-chunked,identity', ['aws-chunked'], undefined],
])('a Content-Encoding of %j names the codings %j, and %j for a stored object', (header, coming, stored) => {
  expect(contentCodings(header)).toEqual(coming)
  expect(storedEncoding(header)).toBe(stored)
})
