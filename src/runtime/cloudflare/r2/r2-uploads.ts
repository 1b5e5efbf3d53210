import { metadataOf } from '../../../recordings/object-metadata.ts'
import {
  type CompletedPart,
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  type Uploads,
  UploadUnknown,
} from '../../../recordings/uploads.ts'
import type { Bucket, BucketUpload } from '../bindings.ts'
import { R2Failure, r2Failed } from './r2-failure.ts'
import { sendAll } from './r2-sending.ts'

// R2's codes, at the end of its messages: unknown upload, unknown piece, a piece too small, pieces of several sizes.
const UNKNOWN = new Set(['10024', '10025', '10011', '10048'])
/** R2's code for an internal error. Its local simulator also gives it for an unknown upload. */
const INTERNAL = '10001'
/** The highest number that a piece can have. */
const LAST_NUMBER = 10_000

/** The uploads in pieces of an R2 bucket: R2's own multipart uploads. By default R2 removes them after 7 days. */
export class R2Uploads implements Uploads {
  readonly #bucket: Bucket

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  async begin(key: string, { contentType, ownership }: UploadOptions): Promise<string> {
    const options = { httpMetadata: { contentType }, customMetadata: metadataOf(ownership) }
    return (await this.#bucket.createMultipartUpload(key, options).catch(r2Failed)).uploadId
  }

  async putPiece(
    key: string,
    upload: string,
    body: AsyncIterable<Uint8Array> | null,
    piece: PieceOptions,
  ): Promise<string> {
    const resumed = this.#bucket.resumeMultipartUpload(key, upload)
    try {
      const { etag } = await sendAll(body, piece, bytes => resumed.uploadPart(piece.number, bytes))
      // R2 can't list pieces, so the tag holds the size, for the check in `complete`.
      return `${piece.size}.${etag}`
    } catch (error) {
      throw error instanceof R2Failure && UNKNOWN.has(error.code) ? new UploadUnknown() : error
    }
  }

  async complete(
    key: string,
    upload: string,
    { tags, size, replaces }: CompleteOptions,
  ): Promise<CompletedPart | null> {
    const pieces = tags.map((tag, index) => readTag(tag, index + 1))
    if (pieces.reduce((sum, piece) => sum + piece.size, 0) !== size) throw new UploadUnknown()
    // R2's binding offers no condition here. So two completions of one part at the same moment can both succeed, and the
    // later one is in force, as if it had come a moment later. Both are of one recording, which is bound to one owner for
    // good, so no patient gets another's bytes.
    const present = await this.#bucket.head(key).catch(r2Failed)
    if ((present?.httpEtag ?? null) !== replaces) return null
    const resumed = this.#bucket.resumeMultipartUpload(key, upload)
    try {
      const listed = pieces.map(({ partNumber, etag }) => ({ partNumber, etag }))
      const object = await resumed.complete(listed)
      return { size: object.size, etag: object.httpEtag }
    } catch (error) {
      const failure = new R2Failure(error)
      throw (await isUnknown(failure, resumed, tags.length)) ? new UploadUnknown() : failure
    }
  }

  async abandon(key: string, upload: string): Promise<void> {
    const resumed = this.#bucket.resumeMultipartUpload(key, upload)
    try {
      await resumed.abort()
    } catch (error) {
      const failure = new R2Failure(error)
      if (!(await isUnknown(failure, resumed, 0))) throw failure
    }
  }
}

/**
 * Whether a failure says that R2 doesn't know the upload. If R2 doesn't say why it failed, an empty piece is sent: R2
 * refuses it if the upload is unknown, and a later completion leaves it out if it is known.
 *
 * @param count how many pieces the upload has. With the most that it can have, no number is free for the empty piece
 */
async function isUnknown({ code }: R2Failure, upload: BucketUpload, count: number): Promise<boolean> {
  if (code !== INTERNAL || count >= LAST_NUMBER) return UNKNOWN.has(code)
  return upload.uploadPart(LAST_NUMBER, '').then(
    () => false,
    (failure: unknown) => UNKNOWN.has(new R2Failure(failure).code),
  )
}

function readTag(tag: string, partNumber: number): { size: number; partNumber: number; etag: string } {
  const [, size, etag] = /^(\d{1,16})\.(.+)$/.exec(tag) ?? []
  if (size === undefined || etag === undefined) throw new UploadUnknown()
  return { size: Number(size), partNumber, etag }
}
