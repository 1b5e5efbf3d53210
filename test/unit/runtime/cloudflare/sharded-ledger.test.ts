import { expect, test } from 'vitest'
import { StorageFault } from '../../../../src/base/storage-fault.ts'
import type { LedgerNamespace, LedgerStub } from '../../../../src/runtime/cloudflare/bindings.ts'
import { createShardedLedger } from '../../../../src/runtime/cloudflare/sharded-ledger.ts'

// What shards do rarely: fail, or hold a record twice. The rest is in the contract of the ledger.

const namespaceOf = (shard: (name: string) => LedgerStub): LedgerNamespace => ({
  idFromName: name => name,
  get: id => shard(`${id}`),
})

test.each([
  [new Error('database or disk is full: SQLITE_FULL'), 'the Durable Object "ledger-2" failed (SQLITE_FULL)'],
  [
    Object.assign(new Error('Durable Object is overloaded. patient-007'), { overloaded: true }),
    'the Durable Object "ledger-2" failed (overloaded)',
  ],
  [new Error('patient-007'), 'the Durable Object "ledger-2" failed'],
  [undefined, 'the Durable Object "ledger-2" failed'],
])('the operator reads which shard failed, and of its error a code alone (%s)', async (error, message) => {
  const fail = () => Promise.reject(error)
  const well = {
    append: async () => [],
    read: async () => ({ entries: [], cursor: 0, offset: 0, more: false }),
  }
  const ledger = createShardedLedger(
    namespaceOf(name => (name === 'ledger-2' ? { append: fail, read: fail } : well)),
    4,
  )
  for (const failing of [ledger.append([{ id: '2', json: '{}' }]), ledger.read({ limit: 1 })]) {
    const fault: unknown = await failing.catch((failure: unknown) => failure)
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault).toMatchObject({ message })
    expect(fault).not.toHaveProperty('cause')
  }
})

/** Shards that hold entries in the order given. Each is read from its start. */
function holding(...shards: readonly (readonly string[])[]) {
  const namespace = namespaceOf(name => ({
    append: async () => [],
    async read({ after, limit, latest }) {
      const ids = shards[Number(name.slice('ledger-'.length))] ?? []
      const all = ids.map((id, i) => ({ id, json: `{"id":"${id}"}`, place: i + 1 })).slice(after)
      const entries = latest ? all.slice(-limit) : all.slice(0, limit)
      const more = !latest && entries.length === limit
      return { entries, cursor: more ? after + entries.length : ids.length, offset: 0, more }
    },
  }))
  return createShardedLedger(namespace, shards.length)
}

test.each([1, 2, 3, 10])(
  'a record that two shards hold, after their number was raised, is read once (pages of %i)',
  async limit => {
    const ledger = holding(['a', 'c', 'e'], ['b', 'c', 'd'], [], ['c'])
    const ids: string[] = []
    for (let after: string | undefined, more = true; more; ) {
      const page = await ledger.read({ limit, ...(after !== undefined && { after }) })
      ids.push(...page.entries.map(({ id }) => id))
      ;({ cursor: after, more } = page)
    }
    expect(ids).toEqual(['a', 'b', 'c', 'd', 'e'])
  },
)

test('a record that two shards hold is once among the latest, and takes no place from another', async () => {
  const ledger = holding(['a', 'c', 'e'], ['b', 'c', 'd'])
  const { entries } = await ledger.read({ limit: 3, latest: true })
  expect(entries.map(({ id }) => id)).toEqual(['c', 'd', 'e'])
})
