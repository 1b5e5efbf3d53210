import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Actor } from '../../src/authorize/subject.ts'
import type { LedgerEvent } from '../../src/index.ts'
import { Deliveries } from '../../src/ledger/deliveries.ts'
import type { Observed } from '../../src/ledger/head.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import { Views } from '../../src/ledger/views.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { sample } from '../support/sample.ts'

// Who watches a recording, and from where. Each combination is a watcher of its own, and none disappears in another.

const issuer = 'https://idp.test/'
const staff: Actor = { id: 'staff-1', issuer }
const watcher = fc.record({
  subject: fc.record({
    id: fc.constantFrom('patient-1', 'patient-2'),
    session: fc.constantFrom(undefined, 'session-1', 'session-2'),
    token: fc.constantFrom('session-1', 'token-1', 'token-2'),
    actor: fc.constantFrom(
      undefined,
      undefined,
      staff,
      { ...staff, id: 'staff-2' },
      { ...staff, actor: staff },
    ),
  }),
  ticket: fc.constantFrom(undefined, 'ticket-1', 'ticket-2'),
  recording: fc.constantFrom('rec-1', 'rec-2'),
  prefix: fc.constantFrom(undefined, '203.0.113.0/24', '2001:db8:1::/48'),
  country: fc.constantFrom(undefined, 'GB', 'FR'),
  asn: fc.constantFrom(undefined, 2856, 64_496),
})
type Watcher = typeof watcher extends fc.Arbitrary<infer Value> ? Value : never

/** Watchers that differ from the first in one thing each, mostly: what tells two apart must tell them apart alone. */
const watchers = fc
  .tuple(watcher, fc.array(fc.tuple(watcher, fc.nat(9)), { maxLength: 40 }))
  .map(([first, others]): Watcher[] => [
    first,
    ...others.map(([other, which]) => {
      const name = Object.keys(first)[which] as keyof Watcher | undefined
      if (name !== undefined && name !== 'subject') return { ...first, [name]: other[name] }
      const claim = (['id', 'session', 'token', 'actor'] as const)[which % 4] ?? 'id'
      return { ...first, subject: { ...first.subject, [claim]: other.subject[claim] } }
    }),
  ])

const observedOf = ({ subject, ticket, recording, prefix, country, asn }: Watcher): Observed => {
  const { session, actor, ...who } = subject
  return {
    at: 0,
    network: { ip: undefined, prefix, asn, country },
    subject: {
      ...{ ...who, issuer, roles: [] },
      ...(session !== undefined && { session }),
      ...(actor !== undefined && { actor }),
    },
    ...{
      ticket,
      recording,
      part: undefined,
      ownership: undefined,
      release: undefined,
      asked: undefined,
      token: undefined,
    },
  }
}

/** What the log says of who watched; of one that has a session, not by which of its tokens. */
const watched = ({ subject, session, token, ticket, actor, prior_actors, recording, net }: LedgerEvent) =>
  JSON.stringify([
    [subject, session ?? token, session !== undefined, ticket, actor, prior_actors, recording],
    [net?.prefix, net?.asn, net?.country],
  ])

test('each session, token without a session, ticket, network and actor has its own view and bytes', async () => {
  await fc.assert(
    fc.asyncProperty(watchers, async all => {
      const ledger = createMemoryLedger()
      const record = createRecorder(
        ledger,
        async (field, _, value) => `${field}:${value}`,
        () => 0,
      )
      const views = new Views(record, () => 0, 'sync')
      const deliveries = new Deliveries(record, () => 0)
      const bytes = new Map<string, number>()
      for (const one of all) {
        const observed = observedOf(one)
        const view = await views.begin(observed, () => {})
        const part = { part: undefined, offset: 0, length: 10 }
        deliveries.sending(observed, { view, ...part, taken: undefined }, () => {})
        // In the words of the log: what is the same there is one watcher.
        const { session, token, id, actor } = one.subject
        const name = JSON.stringify([
          [
            ...[`subject:${id}`, session === undefined ? `token:${token}` : `session:${session}`],
            ...[session !== undefined, one.ticket, actor && `subject:${actor.id}`],
            ...[actor?.actor && [`subject:${actor.actor.id}`], one.recording],
          ],
          [one.prefix, one.asn, one.country],
        ])
        bytes.set(name, (bytes.get(name) ?? 0) + 10)
      }
      await deliveries.flush()
      const { entries } = await ledger.read({ limit: 1000 })
      const events = entries.map(({ json }) => JSON.parse(json) as LedgerEvent)
      const begun = events.filter(({ kind }) => kind === 'view')
      expect(begun.map(watched).sort()).toEqual([...bytes.keys()].sort())
      for (const event of events) {
        if (event.kind !== 'delivery') continue
        expect(watched(event)).toBe(begun.filter(({ id }) => id === event.view).map(watched)[0])
        expect(event.bytes).toBe(bytes.get(watched(event)))
        bytes.delete(watched(event))
      }
      expect(bytes.size).toBe(0)
    }),
    sample(200, 10_000),
  )
})
