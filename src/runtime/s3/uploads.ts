import { StorageFault } from '../../base/storage-fault.ts'
import { DamagedPart, type RecordingStore } from '../../recordings/recording-store.ts'
import {
  type CompletedPart,
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  type Uploads,
  UploadUnknown,
} from '../../recordings/uploads.ts'
import { errorCodeIn, isWhole, S3Refusal } from './answer.ts'
import type { S3Client } from './client.ts'
import { conditionFor } from './conditions.ts'
import { stampsFor } from './facts.ts'

const UNKNOWN = new Set(['NoSuchUpload', 'InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'])
// The characters of both need no escaping in XML, so that a tag can't change what is asked for.
const UPLOAD_ID = /^[\x21-\x25\x27-\x3b\x3d\x3f-\x7e]{1,1024}$/
const TAG = /^(\d{1,16})\.([A-Za-z0-9+/=_.~-]{1,512})$/

/** The uploads in pieces of an S3 store: S3's own multipart uploads. The bucket's lifecycle rules end abandoned ones. */
export class S3Uploads implements Uploads {
  readonly #client: S3Client
  readonly #checkConditions: () => Promise<void>
  readonly #find: RecordingStore['find']

  /** @param checkConditions resolves if the store honours conditions */
  constructor(client: S3Client, checkConditions: () => Promise<void>, find: RecordingStore['find']) {
    this.#client = client
    this.#checkConditions = checkConditions
    this.#find = find
  }

  async begin(key: string, options: UploadOptions): Promise<string> {
    const operation = 'CreateMultipartUpload'
    const headers = stampsFor(options)
    await this.#checkConditions()
    const answer = await this.#client.send({ operation, key, headers }, null, { size: 0 })
    if (answer instanceof S3Refusal) throw answer.fault()
    const id = /<UploadId>([^<]*)<\/UploadId>/.exec(answer.xml)?.[1] ?? ''
    if (!UPLOAD_ID.test(id)) throw new StorageFault(`S3 answered ${operation} without the id of an upload`)
    return id
  }

  async putPiece(
    key: string,
    upload: string,
    body: AsyncIterable<Uint8Array> | null,
    piece: PieceOptions,
  ): Promise<string> {
    const operation = 'UploadPart'
    const answer = await this.#client.send({ operation, key, upload, number: piece.number }, body, piece)
    if (answer instanceof S3Refusal) throw uploadFault(answer)
    const { etag } = answer.headers
    // `complete` adds up the sizes in the tags to check the size of the whole.
    const tag = `${piece.size}.${etag?.replace(/^"|"$/g, '')}`
    if (etag === undefined || !TAG.test(tag)) {
      throw new StorageFault(`S3 answered ${operation} without a plain entity tag`)
    }
    return tag
  }

  async complete(
    key: string,
    upload: string,
    { tags, size, replaces }: CompleteOptions,
  ): Promise<CompletedPart | null> {
    const operation = 'CompleteMultipartUpload'
    const pieces = tags.map(readTag)
    if (pieces.reduce((sum, piece) => sum + piece.size, 0) !== size) throw new UploadUnknown()
    // Some stores honour conditions only for PutObject, so the object is looked at first.
    const present = await this.#find(key)
    if (present instanceof DamagedPart) throw present.fault
    if ((present?.etag ?? null) !== replaces) return null
    const list = new TextEncoder().encode(listOf(pieces))
    const headers = { 'content-type': 'application/xml', ...conditionFor(replaces) }
    const request = { operation, key, upload, headers } as const
    const answer = await this.#client.send(request, new Blob([list]).stream(), { size: list.length })
    const result = answer instanceof S3Refusal ? answer : resultIn(answer.xml)
    if (result instanceof S3Refusal) {
      if (result.isConditionFailed) return null
      throw uploadFault(result)
    }
    return { size, etag: result }
  }

  async abandon(key: string, upload: string): Promise<void> {
    const answer = await this.#client.send({ operation: 'AbortMultipartUpload', key, upload }, null, {
      size: 0,
    })
    if (answer instanceof S3Refusal && answer.code !== 'NoSuchUpload') throw answer.fault()
  }
}

function uploadFault(refusal: S3Refusal): Error {
  const isUnknown = refusal.code !== undefined && UNKNOWN.has(refusal.code)
  return isUnknown ? new UploadUnknown() : refusal.fault()
}

/**
 * Returns the entity tag in the answer to CompleteMultipartUpload. S3 may answer 200 first, and report a failure in the
 * body that follows. A body that is cut off doesn't count as success.
 */
function resultIn(xml: string): string | S3Refusal {
  const operation = 'CompleteMultipartUpload'
  if (!isWhole(xml, 'CompleteMultipartUploadResult')) {
    const code = errorCodeIn(xml)
    return new S3Refusal(operation, STATUS.get(code ?? '') ?? 200, code)
  }
  const tag = /<ETag>([^<]*)<\/ETag>/.exec(xml)?.[1]?.replaceAll(/&quot;|&#34;|"/g, '')
  if (!tag) throw new StorageFault(`S3 answered ${operation} without an entity tag`)
  return `"${tag}"`
}
/** The statuses that S3 would have answered if it hadn't answered 200 before. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ['PreconditionFailed', 412],
  ['ConditionalRequestConflict', 409],
  ['NoSuchKey', 404],
])

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
