import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test } from 'vitest'
import { StorageFault, UploadUnknown } from '../../src/index.ts'
import type { Bucket, BucketUpload } from '../../src/runtime/cloudflare/bindings.ts'
import { createR2Store } from '../../src/runtime/cloudflare/index.ts'

// Uploads to R2 where R2 fails, or others come in between: what its simulator doesn't do by itself.

beforeEach(() => reset())

const KEY = 'recordings/rec-1'
const options = { size: 10, pieceSize: 10, contentType: 'video/mp4', ownership: { owner: 'patient-1' } }
const piece = () => new Blob(['0123456789']).stream()
const whole = { size: 10, replaces: null }

/** R2, with something put in the place of what an upload does. */
function withUpload(change: (upload: BucketUpload) => Partial<BucketUpload>): Bucket {
  const bucket: Bucket = env.RECORDINGS
  return {
    head: key => bucket.head(key),
    get: (key, options) => bucket.get(key, options),
    put: (key, value, options) => bucket.put(key, value, options),
    list: options => bucket.list(options),
    delete: keys => bucket.delete(keys),
    createMultipartUpload: (key, options) => bucket.createMultipartUpload(key, options),
    resumeMultipartUpload(key, id) {
      const upload = bucket.resumeMultipartUpload(key, id)
      return {
        uploadId: id,
        uploadPart: (number, value) => upload.uploadPart(number, value),
        abort: () => upload.abort(),
        complete: pieces => upload.complete(pieces),
        ...change(upload),
      }
    },
  }
}

const failing = (operation: string) => async () => {
  throw new Error(`${operation}: We encountered an internal error. Please try again. (10001)`)
}

/** A body that gives some bytes and then breaks off. */
async function* broken() {
  yield new Uint8Array(5)
  throw new Error('the client left')
}

test.each(['at once', 'when it has all bytes'])(
  'a recording or piece that R2 fails to store is a fault of R2, with its code alone (it fails %s)',
  async when => {
    const fail = async (operation: string, value: BodyInit) => {
      if (when !== 'at once') await new Response(value).arrayBuffer()
      return failing(`${operation} ${KEY}`)()
    }
    const bucket = withUpload(() => ({ uploadPart: (_, value) => fail('uploadPart', value) }))
    const failed = createR2Store({ ...bucket, put: (_, value) => fail('put', value) })
    const upload = await failed.uploads.begin(KEY, options)
    for (const sent of [
      failed.put(KEY, piece(), { ...options, replaces: null }),
      failed.uploads.putPiece(KEY, upload, piece(), { number: 1, size: 10 }),
    ]) {
      const fault: unknown = await sent.catch((error: unknown) => error)
      expect(fault).toBeInstanceOf(StorageFault)
      expect(fault).toMatchObject({ message: 'R2 failed (10001)' })
    }
  },
)

test('a recording or piece whose body breaks off is no fault of R2', async () => {
  const store = createR2Store(env.RECORDINGS)
  const upload = await store.uploads.begin(KEY, options)
  for (const sent of [
    store.put(KEY, broken(), { ...options, replaces: null }),
    store.uploads.putPiece(KEY, upload, broken(), { number: 1, size: 10 }),
  ]) {
    await expect(sent).rejects.toThrow('the client left')
  }
})

test('an upload rejects while R2 fails, and completes afterwards', async () => {
  const real = createR2Store(env.RECORDINGS)
  const failed = createR2Store(withUpload(() => ({ complete: failing('complete'), abort: failing('abort') })))
  const upload = await real.uploads.begin(KEY, options)
  const tag = await real.uploads.putPiece(KEY, upload, piece(), { number: 1, size: 10 })
  await expect(failed.uploads.complete(KEY, upload, { ...whole, tags: [tag] })).rejects.toThrow('(10001)')
  await expect(failed.uploads.abandon(KEY, upload)).rejects.toThrow('(10001)')
  expect(await real.uploads.complete(KEY, upload, { ...whole, tags: [tag] })).toMatchObject({ size: 10 })
  const found = await real.open(KEY)
  expect(await new Response(found !== null && 'body' in found ? found.body : null).text()).toBe('0123456789')
})

test('an upload that R2 does not know rejects with UploadUnknown, though R2 reports an internal error', async () => {
  const failed = createR2Store(withUpload(() => ({ complete: failing('complete'), abort: failing('abort') })))
  const upload = await failed.uploads.begin(KEY, options)
  await createR2Store(env.RECORDINGS).uploads.abandon(KEY, upload)
  await expect(failed.uploads.complete(KEY, upload, { ...whole, tags: ['10.x'] })).rejects.toThrow(
    UploadUnknown,
  )
  await failed.uploads.abandon(KEY, upload)
})

test('a failed completion of 10,000 pieces, the most there can be, puts no piece in place of the last', async () => {
  let parts = 0
  const counting = createR2Store(
    withUpload(upload => ({
      complete: failing('complete'),
      uploadPart(number, value) {
        parts += 1
        return upload.uploadPart(number, value)
      },
    })),
  )
  const upload = await counting.uploads.begin(KEY, options)
  const tags = Array.from({ length: 10_000 }, () => '1.x')
  const all = counting.uploads.complete(KEY, upload, { tags, size: 10_000, replaces: null })
  await expect(all).rejects.toThrow('(10001)')
  expect(parts).toBe(0)
})

test('a piece with another digest than announced never reaches R2 whole', async () => {
  let came = 0
  const watching = createR2Store(
    withUpload(() => ({
      async uploadPart(_, value) {
        for await (const chunk of value as ReadableStream<Uint8Array>) came += chunk.length
        throw new Error('uploadPart: it broke off')
      },
    })),
  )
  const upload = await watching.uploads.begin(KEY, options)
  const bytes = new Uint8Array(1_000_000)
  const sent = watching.uploads.putPiece(KEY, upload, new Blob([bytes]).stream(), {
    number: 1,
    size: bytes.length,
    sha256: '0'.repeat(64),
  })
  await expect(sent).rejects.toThrow('the bytes that came have another SHA-256 than was announced')
  expect(came).toBeGreaterThan(0)
  expect(came).toBeLessThan(bytes.length)
})
