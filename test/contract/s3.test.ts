import { AwsClient } from 'aws4fetch'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Claims } from '../../src/recordings/claims.ts'
import { metadataOf } from '../../src/recordings/object-metadata.ts'
import type { RecordingStore } from '../../src/recordings/recording-store.ts'
import { createS3Store } from '../../src/runtime/s3/store.ts'
import { r2OverS3, type S3Server, s3rver } from '../support/s3-server.ts'
import { claimObjectContract, damagedBytesContract, KEY, recordingStoreContract } from './recording-store.ts'
import { dana } from './recordings.ts'

// The port over S3, against two servers that others wrote. Both check every signature.

/**
 * Runs the contract against a server.
 *
 * @param cannot what that server itself gets wrong: names of tests that are left out for it, and why
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
      // A name that no test has any more would leave out nothing, unseen.
      expect([...leftOut].sort()).toEqual(Object.keys(cannot).sort())
    })
    recordingStoreContract(name, () => createS3Store(server.bucket()), 5 * 2 ** 20)
    claimObjectContract(name, () => createS3Store(server.bucket()))
    damagedBytesContract(name, {
      'bytes in gzip': () => encoded(server, 'gzip'),
      'bytes in gzip, sent in chunks': () => encoded(server, 'aws-chunked,gzip'),
      'bytes in a coding that nobody knows': () => encoded(server, 'x-unknown'),
    })

    test.each(['', 'identity', 'aws-chunked', 'Identity, AWS-chunked'])(
      'an object with the Content-Encoding "%s" has none',
      async encoding => {
        const store = await encoded(server, encoding)
        expect(await store.find(KEY)).not.toHaveProperty('encoding')
        expect(await new Response((await store.open(KEY))?.body).text()).toBe('0123456789')
      },
    )
  })
}

/** A store with an object that another tool stored with a Content-Encoding. */
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
          Object.entries(metadataOf(dana)).map(([name, value]) => [`x-amz-meta-${name}`, value]),
        ),
      },
    },
  )
  expect(response.status, await response.text()).toBe(200)
  return createS3Store(options)
}

const LEAVES_FILE = 's3rver writes in place: an upload that broke off leaves an empty file'

const LOOKS_AT_NO_TAG = 's3rver looks at no tag of a piece'
const KNOWS_NO_UPLOAD = 's3rver takes pieces of uploads that nobody began, and looks at no key'

overS3('R2 over S3', r2OverS3)
overS3('s3rver', () => s3rver({ conditions: true }), {
  '{ offset: 0, length: 1 } is served from 0, 1 bytes long': 's3rver takes bytes=0-0 for the whole',
  '{ suffix: 1 } is served from 999, 1 bytes long': 's3rver takes bytes=-1 for bytes=0-1',
  'an empty object satisfies no range': 's3rver hangs up on a range of an empty object',
  'fewer bytes than announced store nothing': LEAVES_FILE,
  'whose the objects at some places are is told in the order of the places':
    's3rver lists in no order, and writes the name of a next page with DES, which OpenSSL 3 refuses',
  'a body that breaks off stores nothing': LEAVES_FILE,
  'of a piece that is sent again the last one counts': LOOKS_AT_NO_TAG,
  'a piece that is missing, or another, completes nothing': LOOKS_AT_NO_TAG,
  'two uploads at once do not meet, and the second finds the first': LOOKS_AT_NO_TAG,
  'an upload that was never begun is none': KNOWS_NO_UPLOAD,
  'an upload is of one key, and of no other': KNOWS_NO_UPLOAD,
  'what is complete is complete once': KNOWS_NO_UPLOAD,
  'what is given up is gone, also the second time': 's3rver gives up no upload',
})

describe('a store that ignores conditions', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await s3rver({ conditions: false })
  })
  afterAll(() => server.stop())

  test('is not stored in, as two owners could claim one recording there', async () => {
    const store = createS3Store(server.bucket())
    const upload = { size: 3, contentType: 'video/mp4', binding: { owner: 'patient-1' }, replaces: null }
    const ignores = /^this S3 store ignores If-None-Match or If-Match/
    await expect(store.put('part', new Blob(['abc']).stream(), upload)).rejects.toThrow(ignores)
    await expect(new Claims(store).claim('rec-1', dana, [])).rejects.toThrow(ignores)
    expect(await store.find('part')).toBeNull()
  })

  test('can be read from, but not what it gets wrong', async () => {
    const { endpoint, bucket } = server.bucket()
    // s3rver asks nobody who comes without a name.
    await fetch(`${endpoint}/${bucket}/part`, {
      method: 'PUT',
      body: 'abcdef',
      headers: { 'x-amz-meta-mw-owner': 'patient-1', 'content-type': 'video/mp4' },
    })
    const store = createS3Store({ endpoint, bucket, accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' })
    const facts = { size: 6, contentType: 'video/mp4', binding: { owner: 'patient-1' } }
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
