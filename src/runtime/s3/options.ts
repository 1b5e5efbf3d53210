/** The S3-compatible store that holds the recordings, and its credentials. */
export interface S3Options {
  /** `S3_ENDPOINT`: the address of the store without the bucket, as in `https://ACCOUNT.r2.cloudflarestorage.com`. */
  readonly endpoint: string
  /** `S3_BUCKET`: the bucket, which must exist. */
  readonly bucket: string
  /** `S3_ACCESS_KEY_ID`: the id of a key that may read, write and list this bucket, and nothing else. */
  readonly accessKeyId: string
  /** `S3_SECRET_ACCESS_KEY`: the secret of that key. */
  readonly secretAccessKey: string
  /** `S3_REGION`: the region as the store names it. Default `auto`, which is R2's. */
  readonly region?: string
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const REGION = /^[a-z0-9-]{1,64}$/
// Without the characters that end a field of the Authorization header.
const KEY_ID = /^[\x21-\x2b\x2d\x2e\x30-\x3c\x3e-\x7e]{1,128}$/
const SECRET = /^[\x21-\x7e]{1,512}$/

/** Returns a message for each mistake in the variables of an S3 store. No value is repeated: each may hold a secret. */
export function checkS3Options(options: S3Options): string[] {
  const { bucket, accessKeyId, secretAccessKey, region } = options
  const mistakes = checkEndpoint(options)
  if (bucket === '') mistakes.push('S3_BUCKET is missing: name the bucket of the recordings')
  else if (!BUCKET.test(bucket)) {
    mistakes.push(
      'S3_BUCKET must be the name of a bucket: 3 to 63 of a-z, 0-9, "." and "-", the first and the last a letter or digit',
    )
  }
  if (accessKeyId === '') mistakes.push('S3_ACCESS_KEY_ID is missing: create a key for this bucket alone')
  else if (!KEY_ID.test(accessKeyId)) {
    mistakes.push(
      'S3_ACCESS_KEY_ID holds characters that no access key id has: copy it again, without quotes',
    )
  }
  if (secretAccessKey === '') {
    mistakes.push('S3_SECRET_ACCESS_KEY is missing: it was shown when the key was created')
  } else if (!SECRET.test(secretAccessKey)) {
    mistakes.push('S3_SECRET_ACCESS_KEY holds characters that no secret has: copy it again, on one line')
  }
  if (region !== undefined && !REGION.test(region)) {
    mistakes.push(
      'S3_REGION must be a region as the store names it, as in "eu-central-1"; leave it out for R2',
    )
  }
  return mistakes
}

function checkEndpoint({ endpoint, bucket }: S3Options): string[] {
  if (endpoint === '') {
    return [
      'S3_ENDPOINT is missing: give the address of the store, as in "https://ACCOUNT.r2.cloudflarestorage.com"',
    ]
  }
  if (!URL.canParse(endpoint)) return ['S3_ENDPOINT must be an address that begins with "https://"']
  const { protocol, hostname, username, password, pathname } = new URL(endpoint)
  const mistakes: string[] = []
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname))) {
    // Without TLS, an attacker on the network reads recordings, and can replace one patient's with another's.
    mistakes.push(
      'S3_ENDPOINT must begin with "https://"; only for a store on this machine is "http://" enough',
    )
  }
  if (username !== '' || password !== '') {
    mistakes.push(
      'S3_ENDPOINT must hold no user and password: they go into S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
    )
  }
  if (/[?#]/.test(endpoint)) mistakes.push('S3_ENDPOINT must end before any "?" or "#"')
  if (!/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(pathname)) {
    mistakes.push('the path in S3_ENDPOINT may hold letters, digits and "._~-" between single slashes')
  } else if (pathname.split('/').filter(Boolean).at(-1) === bucket && bucket !== '') {
    mistakes.push('S3_ENDPOINT must not hold the bucket: S3_BUCKET names it')
  }
  return mistakes
}
