import type { ArchiveStore } from '../../../archive/archive-store.ts'
import type { Bucket } from '../bindings.ts'
import { r2Failed } from '../r2/r2-failure.ts'

/** Creates the archive in an R2 bucket. */
export function createR2Archive(bucket: Bucket): ArchiveStore {
  return {
    async create(name, bytes) {
      const httpMetadata = { contentType: name.endsWith('.gz') ? 'application/gzip' : 'application/json' }
      const options = { httpMetadata, onlyIf: { etagDoesNotMatch: '*' } }
      return (await bucket.put(name, bytes, options).catch(r2Failed)) !== null
    },

    async read(name) {
      const object = await bucket.get(name).catch(r2Failed)
      if (object === null) return undefined
      return new Uint8Array(await new Response(object.body).arrayBuffer().catch(r2Failed))
    },

    async remove(name) {
      await bucket.delete([name]).catch(r2Failed)
    },
  }
}
