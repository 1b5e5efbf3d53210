import { expect, test } from 'vitest'
import type { DoctorAnswer } from '../../../src/doctor/endpoint.ts'
import { attempt } from '../../../src/doctor/failure.ts'
import { runChecks } from '../../../src/doctor/finding.ts'
import { SINK_CHECKS, type SinksFacts } from '../../../src/doctor/sink-checks.ts'
import type { SinkControl, SinkStatus } from '../../../src/sinks/control.ts'
import { createIssuer } from '../../support/issuer.ts'
import { memoryGate } from '../../support/memory-gate.ts'

const WELL: SinkStatus = {
  ...{
    name: 'siem',
    type: 'splunk',
    index: 70,
    behind: 2,
    behind_s: 0,
    deadLetters: 0,
    dead: [],
    lastSuccess: 1,
  },
}
const { lastSuccess: _, ...UNTRIED } = WELL
const RESPONSE: SinkStatus = { ...UNTRIED, name: 'response', type: 'response' }
const ALERT: SinkStatus = { ...WELL, name: 'alert:slack', type: 'slack' }
const judge = (sinks: SinksFacts['sinks'], wanted = 'sinks', isWatched = true) =>
  runChecks('sinks', SINK_CHECKS, { sinks, isWatched })
    .filter(({ check }) => check === wanted)
    .map(({ state, found }) => `${state}: ${found}`)

test.each<[string, SinksFacts['sinks'], readonly string[]]>([
  ['no sinks', [], ['ok: SINKS is not set: the records stay in the log']],
  ['a log that can have none', undefined, ['ok: SINKS is not set: the records stay in the log']],
  ['one that takes records', [WELL], ['ok: siem takes records; 2 are on their way']],
  [
    'one that fails, beside one that works',
    [
      { ...WELL, retryAt: 1, lastError: { at: 0, message: 'it answered 503' } },
      { ...WELL, name: 'lake' },
    ],
    [
      'failed: siem takes no records, so 2 wait in the log: it answered 503',
      'ok: lake takes records; 2 are on their way',
    ],
  ],
  [
    'one that was down and works again',
    [{ ...WELL, lastError: { at: 0, message: 'it answered 503' } }],
    ['ok: siem takes records; 2 are on their way'],
  ],
  [
    'one that was never sent anything',
    [UNTRIED],
    ['warning: siem has taken no record so far, so it is not known whether it answers'],
  ],
  [
    'one that did not take the last test',
    [{ ...WELL, lastError: { at: 2, message: 'it answered 403' } }],
    ['failed: siem takes no records, so 2 wait in the log: it answered 403'],
  ],
  ['the automatic response, and no sink', [RESPONSE], ['ok: SINKS is not set: the records stay in the log']],
  ['dead letters', [{ ...WELL, deadLetters: 3 }], ['warning: siem refused 3 records for good']],
  ['a system that is alerted, and no sink', [ALERT], ['ok: SINKS is not set: the records stay in the log']],
])('%s', (_, sinks, findings) => {
  expect(judge(sinks)).toEqual(findings)
})

test.each<[string, SinksFacts['sinks'], readonly string[]]>([
  ['no one', [WELL], ['warning: ALERTS is not set: what the rules find alerts no one']],
  [
    'no one, by a log that has nothing that follows it',
    undefined,
    ['warning: ALERTS is not set: what the rules find alerts no one'],
  ],
  [
    'one that takes alerts',
    [WELL, ALERT],
    ['ok: slack is alerted of findings, and took an alert or a test at 1970-01-01T00:00:00.001Z'],
  ],
  [
    'one that was never sent anything',
    [{ ...UNTRIED, name: 'alert:slack', type: 'slack' }],
    ['warning: slack has taken no alert so far, so it is not known whether it answers'],
  ],
  [
    'one that did not take a test, and never took anything',
    [
      {
        ...UNTRIED,
        name: 'alert:slack',
        type: 'slack',
        lastError: { at: 2, message: 'no answer (ECONNREFUSED)' },
      },
    ],
    ['failed: slack takes no alerts: no answer (ECONNREFUSED)'],
  ],
  [
    'one that took alerts before it did not take a test',
    [{ ...ALERT, lastError: { at: 2, message: 'no answer (ENOTFOUND)' } }],
    ['failed: slack takes no alerts: no answer (ENOTFOUND)'],
  ],
  [
    'one that fails',
    [{ ...ALERT, retryAt: 1, lastError: { at: 0, message: 'it answered 403' } }],
    ['failed: slack takes no alerts: it answered 403'],
  ],
  ['dead letters of alerts', [{ ...ALERT, deadLetters: 2 }], ['warning: slack refused 2 alerts for good']],
])('alerted is %s', (_, sinks, findings) => {
  expect(judge(sinks, 'alerts')).toEqual(findings)
})

test.each<[string, SinkStatus, string]>([
  ['well', RESPONSE, 'ok: the gate can respond to findings by itself'],
  [
    'not well',
    { ...RESPONSE, retryAt: 1, lastError: { at: 0, message: 'control_unavailable' } },
    "failed: the gate can't respond to findings by itself: control_unavailable",
  ],
  [
    'not well for some findings',
    { ...RESPONSE, deadLetters: 1 },
    'warning: the automatic response refused 1 findings for good',
  ],
])('an automatic response that is %s', (_, response, found) => {
  expect(judge([WELL, response], 'response')).toEqual([found])
  expect(judge([WELL], 'response')).toEqual([])
})

test('a log that no rules watch alerts no one, which the check of the rules says', () => {
  expect(judge(undefined, 'alerts', false)).toEqual([])
})

test('a list that can not be had is a failure, whose error is not shown', async () => {
  const sinks = await attempt(() => Promise.reject(new Error('Splunk SECRET')))
  expect(judge(sinks)).toEqual([
    expect.stringMatching(/^failed: how far the sinks are is not known: (?!.*SECRET)/),
  ])
})

test('an analyst of all tenants is shown the sinks, and one of a single tenant is not', async () => {
  const idp = await createIssuer()
  const sinkControl = { list: async () => [WELL] } as unknown as SinkControl
  const gate = await memoryGate({ issuers: [idp.entry({ tenant_claim: 'tenant' })], sinkControl }, idp)
  const all = await memoryGate({ issuers: [idp.entry()], sinkControl }, idp)
  const checksOf = async (one: typeof gate, claims: object) => {
    const request = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
    const response = await one.ask('analyst-1', '/console/api/doctor', {
      ...request,
      claims: { roles: ['security'], ...claims },
    })
    return ((await response.json()) as DoctorAnswer).findings.map(({ check }) => check)
  }
  expect(await checksOf(all, {})).toContain('sinks')
  expect(await checksOf(gate, { tenant: 'north' })).not.toContain('sinks')
})
