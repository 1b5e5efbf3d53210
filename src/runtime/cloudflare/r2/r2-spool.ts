import type { LedgerSpool } from '../../../ledger/ledger.ts'
import { RESERVED_PREFIX } from '../../../recordings/recording.ts'
import type { Bucket } from '../bindings.ts'
import { r2Failed } from './r2-failure.ts'

const PREFIX = `${RESERVED_PREFIX}overflow/`

/**
 * Creates the spool in an R2 bucket, one small object for each record. R2 runs on other machinery than Durable Objects,
 * so the two don't fail together as a queue and an object would.
 */
export function createR2Spool(bucket: Bucket): LedgerSpool {
  return {
    async keep(entry) {
      const options = { httpMetadata: { contentType: 'application/json' } }
      await bucket.put(PREFIX + entry.id, entry.json, options).catch(r2Failed)
    },

    async waiting(limit, after = '') {
      const page = { prefix: PREFIX, startAfter: PREFIX + after, limit }
      const { objects } = await bucket.list(page).catch(r2Failed)
      const entries = await Promise.all(
        objects.map(async ({ key }) => {
          const json = await (await bucket.get(key).catch(r2Failed))?.text().catch(r2Failed)
          return json === undefined ? [] : [{ id: key.slice(PREFIX.length), json }]
        }),
      )
      return entries.flat()
    },

    async drop(ids) {
      await bucket.delete(ids.map(id => PREFIX + id)).catch(r2Failed)
    },
  }
}
