import { expect, test } from 'vitest'
import type { Bucket, LedgerNamespace } from '../../../../src/runtime/cloudflare/bindings.ts'
import { cloudflare } from '../../../../src/runtime/cloudflare/cloudflare.ts'

// A run of a worker may ask other services a thousand times. Beyond that each call fails, and the run with it.

const SHARDS = 64

/** A bucket and inboxes that count what is asked of them. The inboxes from `failing` on take nothing. */
function platform(records: number, failing: number) {
  let count = 0
  const kept = new Map<string, string>()
  for (let i = 0; i < records; i++) {
    const id = `00000000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`
    kept.set(`.mediaward/overflow/${id}`, '{}')
  }
  const bucket: Pick<Bucket, 'head' | 'list' | 'delete'> & { get(key: string): Promise<object> } = {
    head: () => Promise.reject(new Error('not asked')),
    async list({ startAfter = '', limit }) {
      count += 1
      const keys = [...kept.keys()].filter(key => key > startAfter)
      return { objects: keys.slice(0, limit).map(key => ({ key })) as never }
    },
    async get(key) {
      count += 1
      return { text: async () => kept.get(key) }
    },
    async delete(keys) {
      count += 1
      for (const key of keys) kept.delete(key)
    },
  }
  const namespace: LedgerNamespace = {
    idFromName: name => name,
    idFromString: id => id,
    get: id => ({
      async append() {
        count += 1
        if (Number(`${id}`.slice('ledger-'.length)) >= failing) throw new Error('overloaded')
      },
      take: () => Promise.reject(new Error('not asked')),
      age: async () => 0,
    }),
  }
  const { replay } = cloudflare(
    {
      ...{ RECORDINGS: bucket as never, AUDIT: bucket as never },
      ...{ LEDGER: namespace, LOG: namespace as never, CONTROL: namespace as never },
    },
    SHARDS,
  )
  return { replay, kept, count: () => count }
}

test('a run on Workers brings back 800 records, and asks other services at most a thousand times', async () => {
  const { replay, kept, count } = platform(1200, SHARDS)
  await replay()
  expect(kept.size).toBe(400)
  expect(count()).toBeLessThanOrEqual(1000)
})

test.each([0, 1, 32, 63])(
  'a run on Workers asks other services at most a thousand times if only %i of 64 inboxes take records',
  async working => {
    const { replay, kept, count } = platform(1200, working)
    let most = 0
    for (let run = 0; run < 1000 && kept.size > 0; run++) {
      const before = count()
      await replay().catch(() => {})
      most = Math.max(most, count() - before)
    }
    expect(most).toBeLessThanOrEqual(1000)
    // Each call chooses an inbox by itself, so one that works is enough in the end.
    expect(kept.size).toBe(working === 0 ? 1200 : 0)
  },
)
