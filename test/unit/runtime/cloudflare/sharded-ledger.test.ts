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
