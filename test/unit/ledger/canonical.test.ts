import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../../src/ledger/canonical.ts'
import { sample } from '../../support/sample.ts'

test('the example of RFC 8785 3.2.2', () => {
  const value = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  )
  expect(canonical(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('says the same as another implementation of RFC 8785', () => {
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
])('has no text for %o', value => expect(() => canonical(value)).toThrow(TypeError))
