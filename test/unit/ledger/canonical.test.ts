import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../../src/ledger/canonical.ts'
import { sample } from '../../support/sample.ts'

test('canonical returns what the example of RFC 8785 3.2.2 shows', () => {
  const value = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  )
  expect(canonical(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('canonical agrees with another implementation of RFC 8785', () => {
  const json = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 4 })
  fc.assert(
    fc.property(json, value => canonical(value) === canonicalize(value)),
    sample(500, 50_000),
  )
})

test.each([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  undefined,
  () => 0,
  '\ud800',
  { a: undefined },
  ['\udfff'],
  { '\ud800': 1 },
])('canonical throws a TypeError for %o', value => expect(() => canonical(value)).toThrow(TypeError))
