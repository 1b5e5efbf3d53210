import { env, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, expect, test, vi } from 'vitest'
import { cloudflare } from '../../src/runtime/cloudflare/index.ts'
import { type WatchedLog, watchContract } from '../contract/watch.ts'
import { refusal } from '../support/refusal.ts'

// The rules in the Durable Object of the log.

const { now } = Date
let ahead = 0

beforeEach(() => {
  vi.restoreAllMocks()
  ahead = 0
  return reset()
})

const log = () => env.WATCHED_LOG.get(env.WATCHED_LOG.idFromName('log'))

function open(): WatchedLog {
  const { ledger, findingControl: findings } = cloudflare({ ...env, LOG: env.WATCHED_LOG }, 3)
  return {
    ...{ ledger, findings },
    // A reader has the log pull.
    settle: async () => void (await ledger.read({ limit: 1 })),
    async pass(time) {
      ahead += time
      vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead)
      await runDurableObjectAlarm(log())
    },
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
