import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DeliveryFailure } from '../../follow/delivery.ts'
import type { FileStore } from '../../sinks/files.ts'
import { secretsOf } from '../../sinks/formats.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import { diskFailed } from '../folder/disk-fault.ts'
import { replaceDurably, syncFolder, writeTextDurably } from '../folder/durable-file.ts'
import { S3Refusal } from '../s3/answer.ts'
import { S3_LIMITS, S3Client } from '../s3/client.ts'
import { lookupFor } from './sink-fetch.ts'

/** Creates the place for the files of a sink: a bucket of an S3-compatible store if it has a `url`, else a folder. */
export function createFileStore(sink: SinkEntry, folder: string): FileStore {
  return sink.url === undefined ? createFolder(folder) : createBucket(sink)
}

function createFolder(folder: string): FileStore {
  return {
    async put(name, content) {
      const path = join(folder, name)
      if (existsSync(path)) return
      const parent = dirname(path)
      const made = await mkdir(parent, { recursive: true, mode: 0o700 }).catch(diskFailed)
      // A name is durable when its folder is. Each new folder is a name in the one above.
      for (let at = parent; made !== undefined && at.length >= made.length; at = dirname(at))
        await syncFolder(dirname(at))
      const part = `${path}.${randomUUID()}.part`
      await writeTextDurably(part, content)
      await replaceDurably(part, path, parent)
    },
  }
}

function createBucket(sink: SinkEntry): FileStore {
  const { url = '', bucket = '', access_key_id = '', region = 'auto', allow_internal = false } = sink
  const [secretAccessKey = ''] = secretsOf(sink)
  const options = { endpoint: url, bucket, accessKeyId: access_key_id, secretAccessKey, region }
  const client = new S3Client(options, S3_LIMITS, lookupFor(allow_internal).lookup)
  return {
    async put(name, content) {
      const bytes = new TextEncoder().encode(content)
      // Stores the object only if none has this name.
      const headers = { 'if-none-match': '*', 'content-type': 'application/x-ndjson' }
      const request = { operation: 'PutObject', key: name, headers } as const
      const answer = await client.send(request, oneChunk(bytes), { size: bytes.length })
      if (!(answer instanceof S3Refusal) || answer.status === 412) return
      const kind =
        answer.status >= 500 || answer.status === 409 || answer.status === 429
          ? 'unavailable'
          : 'misconfigured'
      throw new DeliveryFailure(kind, answer.fault().message)
    },
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
