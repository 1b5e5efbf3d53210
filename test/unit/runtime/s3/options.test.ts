import { expect, test } from 'vitest'
import { checkTable } from '../../../../src/config/check-options.ts'
import { S3_OPTIONS, type S3Options } from '../../../../src/runtime/s3/options.ts'

/** The mistakes that are reported, one a line. */
function mistakesIn(s3: object): string[] {
  try {
    checkTable(S3_OPTIONS, { s3 })
    return []
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n')
    return lines.map(line => line.replace(/^ {2}- /, ''))
  }
}

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
])('the options %o are accepted', options => {
  expect(mistakesIn({ ...right, ...options })).toEqual([])
})

test.each<[{ readonly [Name in keyof S3Options]?: string | undefined }, RegExp]>([
  [
    { bucket: undefined },
    /^S3_BUCKET \(s3\.bucket\) is missing, which the rest of s3 needs: it must be the name/,
  ],
  [{ endpoint: '' }, /^S3_ENDPOINT \(s3\.endpoint\) must be the address/],
  [{ endpoint: 'store.example' }, /^S3_ENDPOINT .* must be the address/],
  [{ endpoint: 'ftp://store.example' }, /^S3_ENDPOINT .* must begin with "https:/],
  [{ endpoint: 'http://store.example' }, /^S3_ENDPOINT .* must begin with "https:/],
  [{ endpoint: 'http://10.0.0.1:9000' }, /^S3_ENDPOINT .* must begin with "https:/],
  [{ endpoint: 'http://127.0.0.1.store.example' }, /^S3_ENDPOINT .* must begin with "https:/],
  [{ endpoint: 'http://localhost.store.example' }, /^S3_ENDPOINT .* must begin with "https:/],
  [{ endpoint: 'https://key:hidden@store.example' }, /^S3_ENDPOINT .* must hold no user/],
  [{ endpoint: 'https://key@store.example' }, /^S3_ENDPOINT .* must hold no user/],
  [{ endpoint: 'https://store.example/?region=hidden' }, /^S3_ENDPOINT .* must end before/],
  [{ endpoint: 'https://store.example/#' }, /^S3_ENDPOINT .* must end before/],
  [{ endpoint: 'https://store.example/a//b' }, /^S3_ENDPOINT .* must have a path of/],
  [{ endpoint: 'https://store.example/a%2fb' }, /^S3_ENDPOINT .* must have a path of/],
  [{ endpoint: 'https://store.example/recordings' }, /^S3_ENDPOINT .* must not hold the bucket/],
  [{ bucket: '' }, /^S3_BUCKET \(s3\.bucket\) must be the name/],
  [{ bucket: 'ab' }, /^S3_BUCKET .* must be the name/],
  [{ bucket: 'Recordings' }, /^S3_BUCKET .* must be the name/],
  [{ bucket: 'a/b' }, /^S3_BUCKET .* must be the name/],
  [{ bucket: '-recordings' }, /^S3_BUCKET .* must be the name/],
  [{ bucket: 'a'.repeat(64) }, /^S3_BUCKET .* must be the name/],
  [{ accessKeyId: '' }, /^S3_ACCESS_KEY_ID \(s3\.accessKeyId\) must be the id/],
  [{ accessKeyId: 'hidden/key' }, /^S3_ACCESS_KEY_ID .* must be the id/],
  [{ accessKeyId: 'hidden key' }, /^S3_ACCESS_KEY_ID .* must be the id/],
  [{ secretAccessKey: '' }, /^S3_SECRET_ACCESS_KEY \(s3\.secretAccessKey\) must be the secret/],
  [{ secretAccessKey: 'hidden\nsecret' }, /^S3_SECRET_ACCESS_KEY .* must be the secret/],
  [{ region: '' }, /^S3_REGION \(s3\.region\) must be/],
  [{ region: 'hidden/region' }, /^S3_REGION \(s3\.region\) must be/],
])('one mistake is reported in the options %o, and no value is repeated', (options, mistake) => {
  const mistakes = mistakesIn({ ...right, ...options })
  expect(mistakes).toEqual([expect.stringMatching(mistake)])
  expect(mistakes.join()).not.toContain('hidden')
})

test('all mistakes in the options are reported at once', () => {
  const nothing = { endpoint: '', bucket: '', accessKeyId: '', secretAccessKey: '' }
  expect(mistakesIn(nothing)).toHaveLength(4)
  expect(mistakesIn({})).toHaveLength(4)
})
