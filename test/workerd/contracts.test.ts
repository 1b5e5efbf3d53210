import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach } from 'vitest'
import { r2Overflow, r2Store, shardedLedger } from '../../src/runtime/cloudflare/index.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { overflowContract } from '../contract/overflow.ts'
import { recordingStoreContract } from '../contract/recording-store.ts'

// The ports on the real thing: R2 and Durable Objects in workerd.

beforeEach(() => reset())

recordingStoreContract('R2', () => r2Store(env.RECORDINGS), 5 * 2 ** 20)
ledgerContract('a Durable Object', () => shardedLedger(env.LEDGER, 1))
ledgerContract('several Durable Objects', () => shardedLedger(env.LEDGER, 5))
overflowContract('R2', () => r2Overflow(env.AUDIT))
