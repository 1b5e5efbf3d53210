import { expect, test } from 'vitest'
import { checkS3Options, type S3Options } from '../../../../src/runtime/s3/store.ts'

const right: S3Options = {
  endpoint: 'https://0123456789abcdef.r2.cloudflarestorage.com',
  bucket: 'recordings',
  accessKeyId: '0123456789abcdef0123456789abcdef',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

test.each<Partial<S3Options>>([
  {},
  { region: 'auto' },
  { region: 'eu-central-1' },
  { endpoint: 'https://s3.eu-central-1.amazonaws.com/' },
  { endpoint: 'https://store.example:9000/s3/v1' },
  { endpoint: 'http://127.0.0.1:8787/cdn-cgi/local/r2/s3' },
  { endpoint: 'http://127.1:9000' },
  { endpoint: 'http://localhost:9000' },
  { endpoint: 'http://[::1]:9000' },
  { bucket: 'a.b-c' },
])('takes %o', options => {
  expect(checkS3Options({ ...right, ...options })).toEqual([])
})

test.each<[Partial<S3Options>, RegExp]>([
  [{ endpoint: '' }, /^S3_ENDPOINT is missing/],
  [{ endpoint: 'store.example' }, /^S3_ENDPOINT must be an address/],
  [{ endpoint: 'ftp://store.example' }, /^S3_ENDPOINT must begin with "https:/],
  [{ endpoint: 'http://store.example' }, /^S3_ENDPOINT must begin with "https:/],
  [{ endpoint: 'http://10.0.0.1:9000' }, /^S3_ENDPOINT must begin with "https:/],
  [{ endpoint: 'http://127.0.0.1.store.example' }, /^S3_ENDPOINT must begin with "https:/],
  [{ endpoint: 'http://localhost.store.example' }, /^S3_ENDPOINT must begin with "https:/],
  [{ endpoint: 'https://key:hidden@store.example' }, /^S3_ENDPOINT must hold no user/],
  [{ endpoint: 'https://key@store.example' }, /^S3_ENDPOINT must hold no user/],
  [{ endpoint: 'https://store.example/?region=hidden' }, /^S3_ENDPOINT must end before/],
  [{ endpoint: 'https://store.example/#' }, /^S3_ENDPOINT must end before/],
  [{ endpoint: 'https://store.example/a//b' }, /^the path in S3_ENDPOINT/],
  [{ endpoint: 'https://store.example/a%2fb' }, /^the path in S3_ENDPOINT/],
  [{ endpoint: 'https://store.example/recordings' }, /^S3_ENDPOINT must not hold the bucket/],
  [{ bucket: '' }, /^S3_BUCKET is missing/],
  [{ bucket: 'ab' }, /^S3_BUCKET must be the name/],
  [{ bucket: 'Recordings' }, /^S3_BUCKET must be the name/],
  [{ bucket: 'a/b' }, /^S3_BUCKET must be the name/],
  [{ bucket: '-recordings' }, /^S3_BUCKET must be the name/],
  [{ bucket: 'a'.repeat(64) }, /^S3_BUCKET must be the name/],
  [{ accessKeyId: '' }, /^S3_ACCESS_KEY_ID is missing/],
  [{ accessKeyId: 'hidden/key' }, /^S3_ACCESS_KEY_ID holds/],
  [{ accessKeyId: 'hidden key' }, /^S3_ACCESS_KEY_ID holds/],
  [{ secretAccessKey: '' }, /^S3_SECRET_ACCESS_KEY is missing/],
  [{ secretAccessKey: 'hidden\nsecret' }, /^S3_SECRET_ACCESS_KEY holds/],
  [{ region: '' }, /^S3_REGION must be/],
  [{ region: 'hidden/region' }, /^S3_REGION must be/],
])('names the one mistake in %o, without its value', (options, mistake) => {
  const mistakes = checkS3Options({ ...right, ...options })
  expect(mistakes).toEqual([expect.stringMatching(mistake)])
  expect(mistakes.join()).not.toContain('hidden')
})

test('names all mistakes at once', () => {
  const nothing = { endpoint: '', bucket: '', accessKeyId: '', secretAccessKey: '' }
  expect(checkS3Options(nothing)).toHaveLength(4)
})
