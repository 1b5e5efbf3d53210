import { expect, test } from 'vitest'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import { DeliveryFailure } from '../../../src/follow/delivery.ts'
import type { FindingFacts } from '../../../src/ledger/facts/finding-facts.ts'
import { followedResponse } from '../../../src/respond/receiver.ts'
import { createMemoryControl } from '../../../src/runtime/memory/index.ts'
import type { Finding } from '../../../src/watch/finding.ts'
import type { FindingAct } from '../../../src/watch/finding-control.ts'
import { RESPONDED } from '../../../src/watch/findings/clear.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 27)

function finding(id: string, members: Partial<Finding>): Finding {
  return {
    ...{ id, rule: 'RG-002', version: 1, severity: 'critical', tenant: 'default', state: 'open', count: 10 },
    ...{ first_seen: START, last_seen: START, evidence: { first: ['r'], last: [] }, may_respond: true },
    ...{ group: { subject: 'psn_1', session: 'psn_2' } },
    about: { subjects: [], recordings: [], releases: [] },
    ...members,
  }
}

/** The response with findings in memory. A call may be made to fail. */
function respond(...all: readonly Finding[]) {
  let now = START
  let fails: 'add' | 'act' | undefined
  const stored = new Map(all.map(one => [one.id, one]))
  const memory = createMemoryControl(() => now)
  const failing = (what: typeof fails) => {
    if (fails === what) throw new StorageFault('it is away')
  }
  const { receiver } = followedResponse(RESPONDED, {
    now: () => now,
    control: {
      list: () => memory.list(),
      async addOnce(restrictions, once) {
        failing('add')
        return memory.addOnce(restrictions, once)
      },
    },
    findings: {
      show: async id => {
        const found = stored.get(id)
        return found && { finding: found, texts: [] }
      },
      list: async ({ rule }) => ({ findings: [...stored.values()].filter(one => one.rule === rule) }),
      async act(id, { by, epoch = 0 }: FindingAct) {
        failing('act')
        const found = stored.get(id)
        if (found === undefined) return { refused: 'unknown' }
        const contained = { ...found, contained: { at: now, by, epoch } }
        stored.set(id, contained)
        return { finding: contained }
      },
    },
  })
  const read = (id: string, members: Partial<FindingFacts> = {}) => {
    const { rule, may_respond } = stored.get(id) ?? {}
    const facts = { kind: 'finding', action: 'opened', finding: id, rule, may_respond, ...members }
    return { index: 1, id: `record of ${id}`, json: JSON.stringify(facts) }
  }
  return {
    receiver,
    read,
    contained: (id: string) => stored.get(id)?.contained,
    list: async () =>
      (await memory.list()).map(({ at: _, epoch: __, reason: ___, kind: ____, ...one }) => one),
    undo: (epoch: number) => memory.undo(epoch, { by: 'psn_9', at: now, needsSecond: false }),
    /** Hands a record over, at a time, with a call that fails. */
    async deliver(id: string, at = START, failure?: typeof fails) {
      now = at
      fails = failure
      const [outcome] = await receiver.deliver([read(id)])
      fails = undefined
      return outcome instanceof DeliveryFailure ? outcome.kind : outcome
    },
  }
}

test.each<[string, Partial<Finding>, object]>([
  ['a session is blocked', {}, { scope: 'session', value: 'psn_2', by: 'RG-002' }],
  [
    'a subject without a session is blocked for a quarter of an hour',
    { group: { subject: 'psn_1' } },
    { scope: 'subject', value: 'psn_1', by: 'RG-002', until: START + HOUR / 4 },
  ],
  [
    'a release is frozen, of its tenant alone',
    { rule: 'RG-003', group: { release: '4.12.0' }, tenant: 'north' },
    { scope: 'release', value: '4.12.0', by: 'RG-003', tenant: 'north' },
  ],
  [
    'what no tenant is known of is stopped for all tenants',
    { rule: 'RG-022', group: { recording: 'rec-1' }, tenant: 'unnamed' },
    { scope: 'recording', value: 'rec-1', by: 'RG-022' },
  ],
  [
    'a recording is quarantined',
    { rule: 'RG-022', group: { recording: 'rec-1' } },
    { scope: 'recording', value: 'rec-1', by: 'RG-022' },
  ],
])('%s', async (_, members, expected) => {
  const response = respond(finding('a', members))
  await response.deliver('a')
  expect(await response.list()).toEqual([{ ...expected, finding: 'a' }])
  expect(response.contained('a')).toMatchObject({ by: members.rule ?? 'RG-002', epoch: 1 })
})

test.each<[string, Partial<Finding>]>([
  ['is closed', { state: 'closed' }],
  ['is suppressed', { suppressed_by: 'x' }],
  ['only tries', { dry_run: true }],
  ['was contained', { contained: { at: START, by: 'RG-002', epoch: 1 } }],
  ['names nothing that can be stopped', { rule: 'RG-022', group: {} }],
])('a finding that %s has nothing locked down', async (_, members) => {
  const response = respond(finding('a', members))
  expect(await response.deliver('a')).toBeUndefined()
  expect(await response.list()).toEqual([])
})

test('it takes the records of clear findings of its rules, and no others', () => {
  const { receiver, read } = respond(finding('a', {}))
  expect(receiver.select(read('a'))).toBeDefined()
  const { may_respond: _, ...unclear } = JSON.parse(read('a').json)
  expect(receiver.select({ ...read('a'), json: JSON.stringify(unclear) })).toBeUndefined()
  expect(receiver.select(read('a', { rule: 'RG-001' }))).toBeUndefined()
  expect(receiver.select({ ...read('a'), json: '{"kind":"access","may_respond":true}' })).toBeUndefined()
})

test('a record that comes again, as after a crash, locks nothing down twice', async () => {
  const response = respond(finding('a', {}))
  expect(await response.deliver('a', START, 'act')).toBe('unavailable')
  expect([await response.list(), response.contained('a')]).toMatchObject([{ length: 1 }, undefined])
  expect(await response.deliver('a')).toBeUndefined()
  expect(await response.deliver('a')).toBeUndefined()
  expect([await response.list(), response.contained('a')]).toMatchObject([{ length: 1 }, { epoch: 1 }])
})

test('a control that is away is tried again', async () => {
  const response = respond(finding('a', {}))
  expect(await response.deliver('a', START, 'add')).toBe('unavailable')
  expect(response.contained('a')).toBeUndefined()
  await response.deliver('a')
  expect(await response.list()).toHaveLength(1)
})

test('an analyst who undid a lockdown is not overruled by the same finding', async () => {
  const response = respond(finding('a', {}))
  await response.deliver('a')
  expect(await response.undo(1)).toBe('undone')
  await response.deliver('a')
  expect(await response.list()).toEqual([])
})

test('an analyst who undid a lockdown before the finding knew of it is not overruled', async () => {
  const response = respond(finding('a', {}))
  expect(await response.deliver('a', START, 'act')).toBe('unavailable')
  expect(await response.undo(1)).toBe('undone')
  expect(await response.deliver('a', START + 24 * HOUR)).toBeUndefined()
  expect([await response.list(), response.contained('a')]).toMatchObject([{ length: 0 }, { epoch: 1 }])
})

test('a release is frozen at most once an hour, also after it was undone', async () => {
  const of = (release: string) => ({ rule: 'RG-003', group: { release } })
  const response = respond(...['1', '2', '3'].map(release => finding(release, of(release))))
  await response.deliver('1')
  await response.undo(1)
  await response.deliver('2', START + HOUR - 1)
  expect(await response.list()).toEqual([])
  await response.deliver('3', START + HOUR)
  expect(await response.list()).toMatchObject([{ value: '3' }])
})

test('a record that tests it does nothing', async () => {
  const { receiver, list } = respond()
  expect(await receiver.deliver([{ index: -1, id: 'x', json: '{"kind":"test"}' }])).toEqual([undefined])
  expect(await list()).toEqual([])
})
