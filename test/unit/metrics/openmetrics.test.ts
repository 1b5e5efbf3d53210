import { expect, test } from 'vitest'
import { type Family, INFO } from '../../../src/metrics/families.ts'
import { writeOpenMetrics } from '../../../src/metrics/openmetrics.ts'
import { METRIC_FAMILIES } from '../../support/openmetrics.ts'

// The format of OpenMetrics 1.0. Prometheus and its own parser read it in test/peers.

const REFUSALS: Family = ['mediaward_refusals', 'counter', 'Refusals.']
const AGE: Family = ['mediaward_age_seconds', 'gauge', 'An age.']
const DURATION: Family = ['mediaward_duration_seconds', 'histogram', 'A time.']

test('a counter, a gauge, a histogram and an info are written with their metadata, each family once', () => {
  const text = writeOpenMetrics([
    [INFO, 1, { version: '1' }],
    [REFUSALS, 3, { stage: 'policy', reason: 'not_owner' }],
    [AGE, 0.5],
    [REFUSALS, 0, { stage: 'token', reason: 'token_expired' }],
    [DURATION, 4, { le: '+Inf' }, '_bucket'],
  ])
  expect(text).toBe(`# TYPE mediaward info
# HELP mediaward The version of the gate.
mediaward_info{version="1"} 1
# TYPE mediaward_refusals counter
# HELP mediaward_refusals Refusals.
mediaward_refusals_total{stage="policy",reason="not_owner"} 3
mediaward_refusals_total{stage="token",reason="token_expired"} 0
# TYPE mediaward_age_seconds gauge
# UNIT mediaward_age_seconds seconds
# HELP mediaward_age_seconds An age.
mediaward_age_seconds 0.5
# TYPE mediaward_duration_seconds histogram
# UNIT mediaward_duration_seconds seconds
# HELP mediaward_duration_seconds A time.
mediaward_duration_seconds_bucket{le="+Inf"} 4
# EOF
`)
})

test('without samples there is an end', () => {
  expect(writeOpenMetrics([])).toBe('# EOF\n')
})

test('the value of a label can end neither the label nor the line', () => {
  const text = writeOpenMetrics([[AGE, 1, { entry: 'a"b\\c\nd' }]])
  expect(text).toContain('mediaward_age_seconds{entry="a\\"b\\\\c\\nd"} 1\n')
})

test('no family has the name of another one or of its samples, and each help is a sentence', () => {
  const ends = ['', '_total', '_info', '_bucket', '_count', '_sum', '_created']
  const samples = METRIC_FAMILIES.flatMap(([name]) => ends.map(end => name + end))
  expect(new Set(samples).size).toBe(samples.length)
  for (const [name, , help] of METRIC_FAMILIES) {
    expect(name).toMatch(/^mediaward(?:_[a-z]+)*$/)
    expect(help).toMatch(/^[A-Z][^"\\\n]*\.$/)
  }
})
