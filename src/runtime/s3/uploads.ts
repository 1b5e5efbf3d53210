import { StorageFault } from '../../base/storage-fault.ts'
import type { RecordingStore } from '../../recordings/recording-store.ts'
import { type Uploads, UploadUnknown } from '../../recordings/uploads.ts'
import { codeIn, isWhole, type S3Refusal, s3Answered } from './answer.ts'
import { conditionFailed } from './conditions.ts'
import { conditionFor, stampsFor } from './facts.ts'
import type { Upload } from './upload.ts'

const UNKNOWN = new Set(['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'])
// Neither has to be escaped where XML holds it, so that nothing else can be asked for by a tag.
const NAME = /^[\x21-\x25\x27-\x3b\x3d\x3f-\x7e]{1,1024}$/
const TAG = /^(\d{1,16})\.([A-Za-z0-9+/=_.~-]{1,512})$/

/**
 * Uploads in pieces to an S3 store: its own multipart uploads. Its lifecycle rules say when they are given up.
 *
 * @param conditions resolves where the store does what conditions say
 */
export function createS3Uploads(
  send: Upload,
  conditions: () => Promise<void>,
  find: RecordingStore['find'],
): Uploads {
  return {
    async begin(key, options) {
      const operation = 'CreateMultipartUpload'
      const headers = stampsFor(options)
      await conditions()
      const answer = await send({ operation, key, headers }, null, { size: 0 })
      if (!('stored' in answer)) throw s3Answered(answer, operation)
      const name = /<UploadId>([^<]*)<\/UploadId>/.exec(answer.text)?.[1] ?? ''
      if (!NAME.test(name)) throw new StorageFault(`S3 answered ${operation} without the name of an upload`)
      return name
    },

    async putPiece(key, upload, body, { number, size, sha256 }) {
      const operation = 'UploadPart'
      const answer = await send({ operation, key, upload, number }, body, { size, sha256 })
      if (!('stored' in answer)) throw refusalOf(answer, operation)
      // What the tag says of the size is what the whole is measured by at the end.
      const tag = `${size}.${answer.stored.etag?.replace(/^"|"$/g, '')}`
      if (answer.stored.etag === undefined || !TAG.test(tag)) {
        throw new StorageFault(`S3 answered ${operation} without a plain entity tag`)
      }
      return tag
    },

    async complete(key, upload, { tags, size, replaces }) {
      const operation = 'CompleteMultipartUpload'
      const pieces = tags.map(readTag)
      if (pieces.reduce((sum, piece) => sum + piece.size, 0) !== size) throw new UploadUnknown()
      // Looked at first, as there are stores that keep to conditions with PutObject alone.
      const present = await find(key)
      if (present !== null && 'fault' in present) throw present.fault
      if ((present?.etag ?? null) !== replaces) return null
      const list = new TextEncoder().encode(listOf(pieces))
      const headers = { 'content-type': 'application/xml', ...conditionFor(replaces) }
      const asked = { operation, key, upload, headers } as const
      const answer = await send(asked, new Blob([list]).stream(), { size: list.length })
      const refusal = 'stored' in answer ? failureIn(answer.text) : answer
      if (refusal !== undefined) {
        if (conditionFailed(refusal)) return null
        throw refusalOf(refusal, operation)
      }
      const etag = 'text' in answer ? tagIn(answer.text) : undefined
      if (etag === undefined) throw new StorageFault(`S3 answered ${operation} without an entity tag`)
      return { size, etag }
    },

    async abandon(key, upload) {
      const operation = 'AbortMultipartUpload'
      const answer = await send({ operation, key, upload }, null, { size: 0 })
      if (!('stored' in answer) && answer.code !== 'NoSuchUpload') throw s3Answered(answer, operation)
    },
  }
}

function refusalOf(refusal: S3Refusal, operation: 'UploadPart' | 'CompleteMultipartUpload'): Error {
  const isUnknown = refusal.code !== undefined && UNKNOWN.has(refusal.code)
  return isUnknown ? new UploadUnknown() : s3Answered(refusal, operation)
}

/** S3 may say 200 first, and in the text that follows that it failed. What is cut off has not said that it didn't. */
function failureIn(text: string): S3Refusal | undefined {
  if (isWhole(text, 'CompleteMultipartUploadResult')) return undefined
  const code = codeIn(text)
  return { status: STATUS.get(code ?? '') ?? 200, code }
}
/** What S3 would have said had it not said 200 before. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ['PreconditionFailed', 412],
  ['ConditionalRequestConflict', 409],
  ['NoSuchKey', 404],
])

function tagIn(text: string): string | undefined {
  const tag = /<ETag>([^<]*)<\/ETag>/.exec(text)?.[1]?.replaceAll(/&quot;|&#34;|"/g, '')
  return tag && `"${tag}"`
}

function readTag(tag: string): { size: number; etag: string } {
  const [, size, etag] = TAG.exec(tag) ?? []
  if (size === undefined || etag === undefined) throw new UploadUnknown()
  return { size: Number(size), etag }
}

function listOf(pieces: readonly { readonly etag: string }[]): string {
  const parts = pieces.map(
    ({ etag }, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${etag}"</ETag></Part>`,
  )
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`
}
