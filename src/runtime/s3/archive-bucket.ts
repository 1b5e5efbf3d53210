import type { ArchiveStore } from '../../archive/archive-store.ts'
import { S3Refusal } from './answer.ts'
import { S3_LIMITS, S3Client } from './client.ts'
import { conditionFor, createConditionCheck } from './conditions.ts'
import type { S3Options } from './options.ts'

/** Creates the archive in a bucket of an S3-compatible store. */
export function createArchiveBucket(options: S3Options): ArchiveStore {
  const client = new S3Client(options, S3_LIMITS)
  const checkConditions = createConditionCheck(client)
  return {
    async create(name, bytes) {
      // A store that ignores them would overwrite what is there.
      await checkConditions()
      const headers = { 'content-type': typeOf(name), ...conditionFor(null) }
      const request = { operation: 'PutObject', key: name, headers } as const
      const answer = await client.send(request, oneChunk(bytes), { size: bytes.length })
      if (!(answer instanceof S3Refusal)) return true
      if (answer.isConditionFailed) return false
      throw answer.fault()
    },

    async read(name) {
      const request = { operation: 'GetObject', key: name } as const
      const answer = await client.ask(request, async response => new Uint8Array(await response.arrayBuffer()))
      if (!(answer instanceof S3Refusal)) return answer
      if (answer.status === 404 && answer.code === 'NoSuchKey') return undefined
      throw answer.fault()
    },

    async remove(name) {
      const answer = await client.send({ operation: 'DeleteObject', key: name }, null, { size: 0 })
      if (answer instanceof S3Refusal && answer.status !== 404) throw answer.fault()
    },
  }
}

/** Returns the media type of an object by its name. */
const typeOf = (name: string): string => (name.endsWith('.gz') ? 'application/gzip' : 'application/json')

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
