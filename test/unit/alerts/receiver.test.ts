import { Webhook } from 'standardwebhooks'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { AlertEntry } from '../../../src/alerts/alert.ts'
import { followedAlert } from '../../../src/alerts/receiver.ts'
import { DeliveryFailure } from '../../../src/follow/delivery.ts'
import type { SinkRequest } from '../../../src/sinks/call.ts'
import { FINDING, findingRecord, PATIENT, testRecord } from '../../support/finding-records.ts'

// What a receiver of alerts is sent of the log, and how.

const KEYS = [1, 2].map(byte => `whsec_${Buffer.alloc(32, byte).toString('base64')}`)
const WEBHOOK: AlertEntry = { type: 'webhook', url: 'https://hooks.clinic.example/a', secret: KEYS }

interface Called extends SinkRequest {
  readonly url: string
}
const NOTHING: Pick<Called, 'url' | 'headers' | 'body'> = { url: '', headers: {}, body: '' }
let calls: Called[]
let answer: (call: Called) => Response
beforeEach(() => {
  calls = []
  answer = () => new Response(null, { status: 202 })
})

function receiverOf(entry: AlertEntry) {
  return followedAlert(entry, {
    fetchFor: () => async (url, request) => {
      calls.push({ ...request, url })
      return answer({ ...request, url })
    },
    now: Date.now,
    titleOf: rule => `what ${rule} found`,
  }).receiver
}
const isSelected = (members: object, entry: Partial<AlertEntry> = {}) =>
  receiverOf({ ...WEBHOOK, ...entry }).select(findingRecord(members)) !== undefined

describe('what a receiver hears of', () => {
  test.each([
    ['opened', true],
    ['raised', true],
    ['unsuppressed', true],
    ['reopened', true],
    ['acknowledged', true],
    ['closed', true],
    ['escalated', false],
    ['joined', false],
    ['suppressed', false],
    ['assigned', false],
    ['commented', false],
    ['text_erased', false],
  ])('a finding that is %s: %s', (action, isHeard) => {
    expect(isSelected({ action })).toBe(isHeard)
  })

  test.each([
    ['opened', false],
    ['raised', false],
    ['unsuppressed', false],
    ['reopened', false],
    ['escalated', true],
    ['acknowledged', false],
  ])('if it is for escalations alone, one that is %s: %s', (action, isHeard) => {
    expect(isSelected({ action }, { escalation: true })).toBe(isHeard)
  })

  test('if it is for escalations alone, the end of what was escalated', () => {
    for (const action of ['acknowledged', 'contained', 'closed'])
      expect(isSelected({ action, escalated: true }, { escalation: true })).toBe(true)
  })

  test.each([
    [undefined, ['high', 'critical']],
    ['info', ['info', 'low', 'medium', 'high', 'critical']],
    ['medium', ['medium', 'high', 'critical']],
    ['critical', ['critical']],
  ] as const)('of the severity %s: %j', (least, heard) => {
    const entry = least === undefined ? {} : { severity: least }
    const all = ['info', 'low', 'medium', 'high', 'critical']
    expect(all.filter(severity => isSelected({ severity }, entry))).toEqual(heard)
  })

  test('is never what is suppressed, what a rule only tries, or a suppression itself', () => {
    expect(isSelected({ suppression: '0197f2c4-0000-7cc3-9a3e-2b1c5d7e9f01' })).toBe(false)
    expect(isSelected({ dry_run: true })).toBe(false)
    expect(isSelected({ action: 'suppression_added', finding: undefined })).toBe(false)
  })

  test('at a pager is also the end of what was suppressed after it was opened there', () => {
    const suppressed = { suppression: '0197f2c4-0000-7cc3-9a3e-2b1c5d7e9f01' }
    const pager = { type: 'pagerduty', secret: 'a key' } as const
    const selects = (members: object) => receiverOf(pager).select(findingRecord(members)) !== undefined
    expect(selects({ action: 'closed', ...suppressed })).toBe(true)
    expect(selects({ action: 'opened', ...suppressed })).toBe(false)
  })

  test('is never a record of another kind, whatever it says', () => {
    expect(isSelected({ kind: 'access' })).toBe(false)
    expect(isSelected({ kind: 'console' })).toBe(false)
  })

  test('is of its tenant alone', () => {
    expect(isSelected({ tenant: 'clinic-north' }, { tenant: 'clinic-north' })).toBe(true)
    expect(isSelected({ tenant: 'clinic-south' }, { tenant: 'clinic-north' })).toBe(false)
    expect(isSelected({ tenant: 'clinic-south' })).toBe(true)
  })
})

describe('a webhook', () => {
  test('is signed by Standard Webhooks with every secret, and has the id of the record', async () => {
    const record = findingRecord({})
    expect(await receiverOf(WEBHOOK).deliver([record])).toEqual([undefined])
    const [{ headers, body, url } = NOTHING] = calls
    expect(url).toBe(WEBHOOK.url)
    expect(headers['webhook-id']).toBe(record.id)
    for (const key of KEYS) expect(new Webhook(key).verify(body, { ...headers })).toEqual(JSON.parse(body))
    expect(() => new Webhook(KEYS[0] ?? '').verify(`${body} `, { ...headers })).toThrow()
    expect(JSON.parse(body)).toMatchObject({
      type: 'mediaward.finding.opened',
      timestamp: '2026-11-22T10:24:03.000Z',
      data: { finding: FINDING, rule: 'RG-001', severity: 'critical', title: 'what RG-001 found', count: 3 },
    })
  })

  test('is sent a test that says so, and nothing that looks like a finding', async () => {
    await receiverOf(WEBHOOK).deliver([testRecord()])
    expect(JSON.parse(calls[0]?.body ?? '')).toMatchObject({
      type: 'mediaward.test',
      data: { action: 'test', severity: 'info', title: 'a test of alerts: nothing happened', about: [] },
    })
  })

  test('that takes four seconds for each alert is sent what fits into a turn, and the rest in the next one', async () => {
    let now = Date.parse('2026-11-23T00:00:00.000Z')
    const { receiver } = followedAlert(WEBHOOK, {
      fetchFor: () => async (url, request) => {
        calls.push({ ...request, url })
        now += 4_000
        return new Response(null, { status: 202 })
      },
      now: () => now,
      titleOf: rule => rule,
    })
    const outcomes = await receiver.deliver(Array(20).fill(findingRecord({})))
    expect(outcomes).toEqual([...Array(7).fill(undefined), ...Array(13).fill('later')])
    expect(calls).toHaveLength(7)
  })

  test('that fails gets the same id and the same body again', async () => {
    const receiver = receiverOf(WEBHOOK)
    answer = () => new Response(null, { status: 500 })
    const [failure] = await receiver.deliver([findingRecord({})])
    expect(failure).toBeInstanceOf(DeliveryFailure)
    expect(failure).toHaveProperty('kind', 'unavailable')
    answer = () => new Response()
    await receiver.deliver([findingRecord({})])
    expect(new Set(calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(calls.map(({ body }) => body)).size).toBe(1)
  })
})

describe('every type', () => {
  const SECRET = 'https://hooks.example/services/T0/B0/only-for-tests'
  const mail = { secret: 'the-key-of-a-service', from: 'gate@clinic.example', to: ['on-call@clinic.example'] }
  const ENTRIES: readonly AlertEntry[] = [
    { type: 'slack', secret: SECRET },
    { type: 'teams', secret: SECRET },
    { type: 'pagerduty', secret: 'a-routing-key' },
    { type: 'email', ...mail },
  ]

  test.each(ENTRIES.map(entry => [entry.type, entry] as const))(
    '%s gets one JSON call an alert, and what it answers decides what becomes of it',
    async (_, entry) => {
      const receiver = receiverOf(entry)
      expect(await receiver.deliver([findingRecord({}), findingRecord({}, 1)])).toEqual([
        undefined,
        undefined,
      ])
      expect(calls).toHaveLength(2)
      for (const { method, headers, body } of calls) {
        expect(method).toBe('POST')
        expect(headers['Content-Type']).toBe('application/json')
        expect(headers['User-Agent']).toMatch(/^mediaward\//)
        expect(() => JSON.parse(body)).not.toThrow()
      }
      for (const [status, kind] of [
        [429, 'unavailable'],
        [500, 'unavailable'],
        [302, 'misconfigured'],
        [401, 'misconfigured'],
        [404, 'misconfigured'],
        [400, 'refused'],
      ] as const) {
        answer = () => new Response(null, { status })
        expect(await receiver.deliver([findingRecord({})]), `${status}`).toMatchObject([{ kind }])
      }
    },
  )

  test.each(ENTRIES.map(entry => [entry.type, entry] as const))(
    '%s says nothing of its secret, its address or a person if it can’t be called',
    async (_, entry) => {
      const said = vi.spyOn(console, 'error').mockImplementation(() => {})
      answer = ({ url, headers, body }) => {
        throw new TypeError(`no route to ${url} with ${JSON.stringify(headers)} and ${body}`)
      }
      const [failure] = await receiverOf(entry).deliver([findingRecord({ group: { subject: PATIENT } })])
      if (!(failure instanceof DeliveryFailure)) throw new Error('it was taken')
      expect(failure.kind).toBe('unavailable')
      expect(`${failure.stack}`).not.toMatch(/only-for-tests|the-key-of|routing-key|psn_/)
      expect(said).not.toHaveBeenCalled()
      said.mockRestore()
    },
  )
})

test('is called by its type, or the name that it is given', () => {
  const named = (entry: AlertEntry) =>
    followedAlert(entry, { fetchFor: () => fetch as never, now: Date.now, titleOf: String }).name
  expect(named(WEBHOOK)).toBe('alert:webhook')
  expect(named({ ...WEBHOOK, name: 'on-call' })).toBe('alert:on-call')
})
