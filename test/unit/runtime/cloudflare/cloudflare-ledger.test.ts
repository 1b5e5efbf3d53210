import { expect, test } from 'vitest'
import { StorageFault } from '../../../../src/base/storage-fault.ts'
import type { Ledger } from '../../../../src/ledger/ledger.ts'
import type { InboxStub, LogStub, ObjectNamespace } from '../../../../src/runtime/cloudflare/bindings.ts'
import { createCloudflareLedger } from '../../../../src/runtime/cloudflare/cloudflare-ledger.ts'

// What the Durable Objects do rarely: fail. The rest is in the contract of the ledger.

const namespaceOf = <Stub>(object: (name: string) => Stub): ObjectNamespace<Stub> => ({
  idFromName: name => name,
  idFromString: id => id,
  get: id => object(`${id}`),
})
const fine = async () => {}
const nothing = async () => ({ entries: [], more: false })
const empty = async () => ({ entries: [], cursor: 0, end: 0, more: false })

/** A ledger of four inboxes and a log, of which some calls are others. */
function ledgerWith(inbox: (name: string) => Partial<InboxStub>, log: Partial<LogStub> = {}): Ledger {
  return createCloudflareLedger({
    inboxes: namespaceOf(name => ({ append: fine, take: nothing, age: async () => 0, ...inbox(name) })),
    logs: namespaceOf(() => ({
      pull: fine,
      read: empty,
      count: async () => [],
      held: async () => [],
      waitAfter: fine,
      archiveLag: async () => 0,
      ...log,
    })),
    count: 4,
  })
}

test.each([
  [new Error('database or disk is full: SQLITE_FULL'), ' (SQLITE_FULL)'],
  [new Error('the inbox is full'), ' (inbox is full)'],
  [
    Object.assign(new Error('Durable Object is overloaded. patient-007'), { overloaded: true }),
    ' (overloaded)',
  ],
  [new Error('patient-007'), ''],
  [undefined, ''],
])('the operator reads which object failed, and of its error a code alone (%s)', async (error, why) => {
  const fail = () => Promise.reject(error)
  const inboxFails = ledgerWith(() => ({ append: fail }))
  const logFails = ledgerWith(() => ({}), { read: fail })
  for (const [failing, message] of [
    [inboxFails.append([{ id: '2', json: '{}' }]), /^the Durable Object "ledger-[0-3]" failed(.*)$/],
    [logFails.read({ limit: 1 }), /^the Durable Object "log" failed(.*)$/],
  ] as const) {
    const fault: unknown = await failing.catch((failure: unknown) => failure)
    expect(fault).toBeInstanceOf(StorageFault)
    expect(message.exec((fault as Error).message)?.[1]).toBe(why)
    expect(fault).not.toHaveProperty('cause')
  }
})

test('the log is as far behind as the inbox whose entries have waited longest', async () => {
  const ages = ledgerWith(name => ({ age: async () => (name === 'ledger-2' ? 1_500 : 20) }))
  expect(await ages.lag?.()).toBe(1_500)
  const silent = ledgerWith(name => (name === 'ledger-1' ? { age: () => Promise.reject(new Error()) } : {}))
  await expect(silent.lag?.()).rejects.toThrow('the Durable Object "ledger-1" failed')
})
