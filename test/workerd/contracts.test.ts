import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test } from 'vitest'
import { metadataOf } from '../../src/recordings/object-metadata.ts'
import { createR2Archive } from '../../src/runtime/cloudflare/archive/r2-archive.ts'
import { createCloudflareLedger, createR2Spool, createR2Store } from '../../src/runtime/cloudflare/index.ts'
import { SqlFollowerStates } from '../../src/runtime/sqlite/follower-states.ts'
import type { Sql } from '../../src/runtime/sqlite/sql.ts'
import { archiveStoreContract } from '../contract/archive-store.ts'
import { followerStatesContract } from '../contract/follower-states.ts'
import { keySourceContracts } from '../contract/key-source.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { ownerSourceContracts } from '../contract/owner-source.ts'
import {
  claimObjectContract,
  damagedBytesContract,
  KEY,
  recordingStoreContract,
} from '../contract/recording-store.ts'
import { patient1 } from '../contract/recordings.ts'
import { spoolContract } from '../contract/spool.ts'

// The ports on the real thing: R2 and Durable Objects in workerd.

beforeEach(() => reset())

recordingStoreContract('R2', () => createR2Store(env.RECORDINGS), 5 * 2 ** 20)
claimObjectContract('R2', () => createR2Store(env.RECORDINGS))

/** Creates a store with an object that another tool stored with a Content-Encoding. */
async function encoded(contentEncoding: string) {
  const httpMetadata = { contentType: 'video/mp4', contentEncoding }
  await env.RECORDINGS.put(KEY, '0123456789', { httpMetadata, customMetadata: metadataOf(patient1) })
  return createR2Store(env.RECORDINGS)
}
damagedBytesContract('R2', {
  'bytes in gzip': () => encoded('gzip'),
  'bytes in gzip, sent in chunks': () => encoded('aws-chunked,gzip'),
})
test.each(['identity', 'aws-chunked'])(
  'the store over R2 finds no encoding of an object with the Content-Encoding %s',
  async encoding => {
    const store = await encoded(encoding)
    expect(await store.find(KEY)).not.toHaveProperty('encoding')
    expect(await new Response((await store.open(KEY))?.body).text()).toBe('0123456789')
  },
)
const ledgerOver = (count: number) => () =>
  createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count })
ledgerContract('a Durable Object with one inbox', ledgerOver(1))
ledgerContract('a Durable Object with several inboxes', ledgerOver(5))
followerStatesContract('a Durable Object', async work => {
  await runInDurableObject(env.LOG.get(env.LOG.newUniqueId()), async (_, { storage }) => {
    const sql: Sql = (statement, ...parameters) =>
      storage.sql.exec(statement, ...parameters).toArray() as never
    await work(new SqlFollowerStates({ sql, write: async run => storage.transactionSync(run) }))
  })
})
spoolContract('R2', () => createR2Spool(env.AUDIT))
archiveStoreContract('R2', () => createR2Archive(env.AUDIT))

ownerSourceContracts()
keySourceContracts()
