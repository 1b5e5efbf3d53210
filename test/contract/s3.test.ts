import { AwsClient } from 'aws4fetch'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Claims } from '../../src/recordings/claims.ts'
import { metadataOf } from '../../src/recordings/object-metadata.ts'
import type { RecordingStore } from '../../src/recordings/recording-store.ts'
import { createArchiveBucket } from '../../src/runtime/s3/archive-bucket.ts'
import { createS3Store } from '../../src/runtime/s3/store.ts'
import { r2OverS3, type S3Server, s3rver } from '../support/s3-server.ts'
import { archiveStoreContract } from './archive-store.ts'
import { claimObjectContract, damagedBytesContract, KEY, recordingStoreContract } from './recording-store.ts'
import { patient1 } from './recordings.ts'

// The contract of the port over S3, against two servers that others wrote. Both check every signature.

/**
 * Runs the contract against a server.
 *
 * @param cannot the names of tests that are skipped since the server itself fails them, and why
 */
function overS3(name: string, start: () => Promise<S3Server>, cannot: Readonly<Record<string, string>> = {}) {
  describe(name, () => {
    let server: S3Server
    const leftOut = new Set<string>()
    beforeAll(async () => {
      server = await start()
    })
    beforeEach(({ task, skip }) => {
      const reason = cannot[task.name]
      if (reason === undefined) return
      leftOut.add(task.name)
      skip(reason)
    })
    afterAll(async () => {
      await server.stop()
      // A name that no test has any more must not go unnoticed.
      expect([...leftOut].sort()).toEqual(Object.keys(cannot).sort())
    })
    recordingStoreContract(name, () => createS3Store(server.bucket()), 5 * 2 ** 20)
    claimObjectContract(name, () => createS3Store(server.bucket()))
    archiveStoreContract(name, () => createArchiveBucket(server.bucket()))
    damagedBytesContract(name, {
      'bytes in gzip': () => encoded(server, 'gzip'),
      'bytes in gzip, sent in chunks': () => encoded(server, 'aws-chunked,gzip'),
      'bytes in an unknown coding': () => encoded(server, 'x-unknown'),
    })

    test.each(['', 'identity', 'aws-chunked', 'Identity, AWS-chunked'])(
      'an object with the Content-Encoding "%s" has no encoding, and its bytes are read',
      async encoding => {
        const store = await encoded(server, encoding)
        expect(await store.find(KEY)).not.toHaveProperty('encoding')
        expect(await new Response((await store.open(KEY))?.body).text()).toBe('0123456789')
      },
    )
  })
}

/** Creates a store with an object that another tool stored with a Content-Encoding. */
async function encoded(server: S3Server, encoding: string): Promise<RecordingStore> {
  const options = server.bucket()
  const response = await new AwsClient({ ...options, service: 's3', region: 'auto' }).fetch(
    `${options.endpoint}/${options.bucket}/${KEY}`,
    {
      method: 'PUT',
      body: '0123456789',
      headers: {
        'content-type': 'video/mp4',
        'content-encoding': encoding,
        ...Object.fromEntries(
          Object.entries(metadataOf(patient1)).map(([name, value]) => [`x-amz-meta-${name}`, value]),
        ),
      },
    },
  )
  expect(response.status, await response.text()).toBe(200)
  return createS3Store(options)
}

const LEAVES_FILE = 's3rver writes in place: an upload that broke off leaves an empty file'

const CHECKS_NO_TAG = 's3rver checks no tag of a piece'
const KNOWS_NO_UPLOAD = 's3rver takes pieces of uploads that were never begun, and checks no key'

overS3('R2 over S3', r2OverS3)
overS3('s3rver', () => s3rver({ conditions: true }), {
  'a store serves { offset: 0, length: 1 } from byte 0, 1 bytes long': 's3rver takes bytes=0-0 for the whole',
  'a store serves { suffix: 1 } from byte 999, 1 bytes long': 's3rver takes bytes=-1 for bytes=0-1',
  'a store gives no bytes for a range of an empty object': 's3rver hangs up on a range of an empty object',
  'a put stores nothing if fewer bytes come than announced': LEAVES_FILE,
  'the owners stamped at several prefixes are returned in the order of the prefixes':
    's3rver lists in no order, and writes the name of a next page with DES, which OpenSSL 3 refuses',
  'a put stores nothing of a body that breaks off': LEAVES_FILE,
  'an upload keeps the last version of a piece that is sent again': CHECKS_NO_TAG,
  'a completion with a missing or wrong tag stores nothing': CHECKS_NO_TAG,
  'two uploads of one key are kept apart, and the second is completed only over the first': CHECKS_NO_TAG,
  'the id of an upload that was never begun is rejected': KNOWS_NO_UPLOAD,
  'an upload is rejected under another key than its own': KNOWS_NO_UPLOAD,
  'an upload is completed only once': KNOWS_NO_UPLOAD,
  'an upload can be abandoned twice': 's3rver abandons no upload',
})

describe('store without conditions', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await s3rver({ conditions: false })
  })
  afterAll(() => server.stop())

  test('nothing is stored in a store that ignores conditions, since two owners could claim one recording', async () => {
    const store = createS3Store(server.bucket())
    const upload = { size: 3, contentType: 'video/mp4', ownership: { owner: 'patient-1' }, replaces: null }
    const ignores = /^this S3 store ignores If-None-Match or If-Match/
    await expect(store.put('part', new Blob(['abc']).stream(), upload)).rejects.toThrow(ignores)
    await expect(new Claims(store).claim('rec-1', patient1, [])).rejects.toThrow(ignores)
    expect(await store.find('part')).toBeNull()
  })

  test('a store that ignores conditions can be read, except for ranges that it gets wrong', async () => {
    const { endpoint, bucket } = server.bucket()
    // s3rver takes requests without a signature.
    await fetch(`${endpoint}/${bucket}/part`, {
      method: 'PUT',
      body: 'abcdef',
      headers: { 'x-amz-meta-mw-owner': 'patient-1', 'content-type': 'video/mp4' },
    })
    const store = createS3Store({ endpoint, bucket, accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' })
    const facts = { size: 6, contentType: 'video/mp4', ownership: { owner: 'patient-1' } }
    expect(await store.find('part')).toMatchObject(facts)
    expect(await store.open('part', { offset: 2, length: 2 })).toMatchObject({
      ...facts,
      range: { offset: 2, length: 2 },
    })
    await expect(store.open('part', { suffix: 2 })).rejects.toMatchObject({
      cause: { message: 'S3 answered GetObject with another range than was asked for' },
    })
  })
})
