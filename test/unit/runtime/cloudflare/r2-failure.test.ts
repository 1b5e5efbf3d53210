import { expect, test, vi } from 'vitest'
import { StorageFault } from '../../../../src/base/storage-fault.ts'
import { BytesUnavailable } from '../../../../src/recordings/recording-store.ts'
import { createR2Spool } from '../../../../src/runtime/cloudflare/r2/r2-spool.ts'
import { createR2Store } from '../../../../src/runtime/cloudflare/r2/r2-store.ts'

// What R2 fails with is a fault of the store, for the operator. How it fails in its simulator is in test/workerd.

const KEY = 'recordings/of-patient-007'
const failed = async () => {
  throw new Error(`${KEY}: We encountered an internal error. Please try again. (10001)`)
}
const upload = { size: 10, pieceSize: 10, contentType: 'video/mp4', ownership: { owner: 'patient-007' } }
const bucket = {
  head: failed,
  get: failed,
  put: failed,
  list: failed,
  delete: failed,
  createMultipartUpload: failed,
} as never
const store = createR2Store(bucket)
const spool = createR2Spool(bucket)

test.each<[string, () => Promise<unknown>]>([
  ['find', () => store.find(KEY)],
  ['open', () => store.open(KEY)],
  ['stampBelow', () => store.stampBelow('recordings/')],
  ['uploads.begin', () => store.uploads.begin(KEY, upload)],
  ['uploads.complete', () => store.uploads.complete(KEY, 'id', { tags: ['10.x'], size: 10, replaces: null })],
  ['keep', () => spool.keep({ id: 'a', json: '{}' })],
  ['waiting', () => spool.waiting(1)],
  ['drop', () => spool.drop(['a'])],
])(
  'a failure of R2 is a storage fault with its code and nothing else of its message (%s)',
  async (_, call) => {
    const fault: unknown = await call().catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(StorageFault)
    expect(fault).toMatchObject({ message: 'R2 failed (10001)' })
    expect(fault).not.toHaveProperty('cause')
  },
)

test('bytes of a range that R2 does not give are unavailable, because of its failure', async () => {
  const error: unknown = await store.open(KEY, { suffix: 1 }).catch((one: unknown) => one)
  expect(error).toBeInstanceOf(BytesUnavailable)
  expect(error).toMatchObject({ cause: { name: 'StorageFault', message: 'R2 failed (10001)' } })
})

test('bytes in a content coding are unavailable, also if their stream can not be cancelled', async () => {
  const cancel = vi.fn(failed)
  const object = {
    ...{ key: KEY, size: 3, httpEtag: '"x"', uploaded: new Date(), body: { cancel } },
    httpMetadata: { contentEncoding: 'gzip' },
  }
  const coded = createR2Store({ get: async () => object } as never)
  await expect(coded.open(KEY)).rejects.toThrow(BytesUnavailable)
  expect(cancel).toHaveBeenCalledOnce()
})
