import process from 'node:process'
import { createS3Store } from 'mediaward/local'
import { recordingStoreContract } from '../contract/recording-store.ts'

// The port over S3 under `deno test`, against a server that whoever runs this has started: it has empty buckets
// `bucket-0` to `bucket-63`. Without one, there is nothing to try.

const server = process.env.MEDIAWARD_TEST_S3
if (server !== undefined) {
  const options = JSON.parse(server) as {
    endpoint: string
    accessKeyId: string
    secretAccessKey: string
  }
  let bucket = 0
  recordingStoreContract('S3', () => createS3Store({ ...options, bucket: `bucket-${bucket++}` }), 5 * 2 ** 20)
}
