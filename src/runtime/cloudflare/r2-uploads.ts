import { metadataOf } from '../../recordings/object-metadata.ts'
import { type Uploads, UploadUnknown } from '../../recordings/uploads.ts'
import type { Bucket, BucketUpload } from './bindings.ts'
import { sendAll } from './r2-sending.ts'

// R2's codes, at the end of its messages: no such upload; no such piece; a piece too small; pieces of several sizes.
const UNKNOWN = new Set(['10024', '10025', '10011', '10048'])
/** R2's code for a failure of its own. Its local simulator says it of an upload that it doesn't know, too. */
const INTERNAL = '10001'
/** The last that a piece can have. */
const LAST_NUMBER = 10_000

/** Uploads in pieces to an R2 bucket: R2's own multipart uploads. It gives them up by itself after 7 days. */
export function createR2Uploads(bucket: Bucket): Uploads {
  return {
    async begin(key, { contentType, binding }) {
      const options = { httpMetadata: { contentType }, customMetadata: metadataOf(binding) }
      return (await bucket.createMultipartUpload(key, options)).uploadId
    },

    async putPiece(key, upload, body, { number, size, sha256 }) {
      const resumed = bucket.resumeMultipartUpload(key, upload)
      const send = (bytes: ReadableStream<Uint8Array>) => resumed.uploadPart(number, bytes)
      try {
        const { etag } = await sendAll(body, { size, sha256 }, send)
        // R2 lists no pieces: what the tag says of the size is all that is known at the end.
        return `${size}.${etag}`
      } catch (error) {
        throw UNKNOWN.has(codeOf(error)) ? new UploadUnknown() : error
      }
    },

    async complete(key, upload, { tags, size, replaces }) {
      const pieces = tags.map((tag, index) => readTag(tag, index + 1))
      if (pieces.reduce((sum, piece) => sum + piece.size, 0) !== size) throw new UploadUnknown()
      // R2's binding has no condition for this. Two completions of one part at the same moment can so both succeed, and
      // the later one stands, as if it had come a moment later. It is of the same recording, which is bound to one owner
      // for good: nobody gets anything of somebody else's.
      const present = await bucket.head(key)
      if ((present?.httpEtag ?? null) !== replaces) return null
      const resumed = bucket.resumeMultipartUpload(key, upload)
      try {
        const listed = pieces.map(({ partNumber, etag }) => ({ partNumber, etag }))
        const object = await resumed.complete(listed)
        return { size: object.size, etag: object.httpEtag }
      } catch (error) {
        throw (await isUnknown(error, resumed, tags.length)) ? new UploadUnknown() : error
      }
    },

    async abandon(key, upload) {
      const resumed = bucket.resumeMultipartUpload(key, upload)
      try {
        await resumed.abort()
      } catch (error) {
        if (!(await isUnknown(error, resumed, 0))) throw error
      }
    },
  }
}

/**
 * Whether an error says that R2 knows no such upload. Where R2 doesn't say why it failed, an empty piece tells: it is
 * refused where there is no such upload, and left out by a later completion where there is.
 *
 * @param count how many pieces the upload has: where they are as many as can be, none can be spared
 */
async function isUnknown(error: unknown, upload: BucketUpload, count: number): Promise<boolean> {
  const code = codeOf(error)
  if (code !== INTERNAL || count >= LAST_NUMBER) return UNKNOWN.has(code)
  return upload.uploadPart(LAST_NUMBER, '').then(
    () => false,
    (failure: unknown) => UNKNOWN.has(codeOf(failure)),
  )
}

function codeOf(error: unknown): string {
  return (error instanceof Error && /\((\d{5})\)$/.exec(error.message)?.[1]) || ''
}

function readTag(tag: string, partNumber: number): { size: number; partNumber: number; etag: string } {
  const [, size, etag] = /^(\d{1,16})\.(.+)$/.exec(tag) ?? []
  if (size === undefined || etag === undefined) throw new UploadUnknown()
  return { size: Number(size), partNumber, etag }
}
