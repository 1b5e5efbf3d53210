import { env, reset, runInDurableObject } from 'cloudflare:test'
import { beforeEach, expect, test } from 'vitest'
import { cloudflare } from '../../src/runtime/cloudflare/index.ts'
import { SqlAlertOutbox } from '../../src/runtime/sqlite/watch/outbox.ts'
import { type WatchedLog, watchContract } from '../contract/watch.ts'
import { refusal } from '../support/refusal.ts'

// The rules in the Durable Object of the log.

beforeEach(() => reset())

const log = () => env.WATCHED_LOG.get(env.WATCHED_LOG.idFromName('log'))

function open(): WatchedLog {
  const { ledger, findingControl: findings } = cloudflare({ ...env, LOG: env.WATCHED_LOG }, 3)
  const inside = <Result>(work: (outbox: SqlAlertOutbox) => Promise<Result>) =>
    runInDurableObject(log(), (_, { storage }) => {
      const sql = (statement: string, ...parameters: readonly (string | number | null)[]) =>
        storage.sql.exec(statement, ...parameters).toArray() as never
      return work(new SqlAlertOutbox({ sql, write: async run => storage.transactionSync(run) }))
    })
  return {
    ...{ ledger, findings },
    outbox: {
      due: (now, limit) => inside(outbox => outbox.due(now, limit)),
      take: (ids, until) => inside(outbox => outbox.take(ids, until)),
      done: ids => inside(outbox => outbox.done(ids)),
      next: () => inside(outbox => outbox.next()),
    },
    // A reader has the log pull.
    settle: async () => void (await ledger.read({ limit: 1 })),
    async restart() {
      // Nothing is under way that the end of the object would cut short.
      await ledger.read({ limit: 1 })
      await runInDurableObject(log(), (_, state) => state.abort('restart')).catch(() => {})
      return open()
    },
  }
}

watchContract('a Durable Object', async () => open())

test('a log without rules has no findings, and says so', async () => {
  const { ledger, findingControl } = cloudflare(env, 1)
  await ledger.append([refusal('not_owner', { subject: 'psn_1' })])
  expect((await ledger.read({ limit: 10 })).entries).toHaveLength(1)
  await expect(findingControl.list({ limit: 1 })).rejects.toThrow()
})
