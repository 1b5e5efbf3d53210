import { isSecure } from '../../base/url.ts'
import { matching } from '../../config/checks.ts'
import type { Group, Mistake, TableOf } from '../../config/option.ts'

/** Which S3-compatible store holds the recordings, and the key to it. */
export interface S3Options {
  /**
   * The address of the S3 API, without the bucket, as in `https://ACCOUNT.r2.cloudflarestorage.com`.
   *
   * @defaultValue none: recordings in `DATA_DIR`
   */
  readonly endpoint: string
  /** The bucket of the recordings. It must exist. */
  readonly bucket: string
  /** The id of a key that may read, write and list this bucket, and nothing else but `auditBucket`. */
  readonly accessKeyId: string
  /** The secret of that key. */
  readonly secretAccessKey: string
  /**
   * The region that requests are signed for. `auto` is R2's.
   *
   * @defaultValue `auto`
   */
  readonly region?: string
  /**
   * Another bucket of the store, for the archive of the log (docs/archive.md). The key must be able to read, write and
   * remove there.
   *
   * @defaultValue none: the archive is in `DATA_DIR`, and a log in PostgreSQL has none
   */
  readonly auditBucket?: string
}

const BUCKET =
  'must be the name of a bucket: 3 to 63 of a-z, 0-9, "." and "-", the first and the last a letter or digit'
const checkBucket = matching(BUCKET, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)

/** The options of an S3 store. No mistake repeats a value, as each may hold a secret. */
export const S3_OPTIONS: TableOf<Group<'s3', S3Options>, 's3.region'> = {
  's3.endpoint': {
    variable: 'S3_ENDPOINT',
    required: true,
    runtimes: ['deno', 'node'],
    check: checkEndpoint,
  },
  's3.bucket': {
    variable: 'S3_BUCKET',
    required: true,
    runtimes: ['deno', 'node'],
    check: checkBucket,
  },
  's3.accessKeyId': {
    variable: 'S3_ACCESS_KEY_ID',
    required: true,
    runtimes: ['deno', 'node'],
    // What ends a field of the Authorization header can't be part of one.
    check: matching(
      'must be the id of a key for this bucket alone: copy it without quotes',
      /^[\x21-\x2b\x2d\x2e\x30-\x3c\x3e-\x7e]{1,128}$/,
    ),
  },
  's3.secretAccessKey': {
    variable: 'S3_SECRET_ACCESS_KEY',
    required: true,
    runtimes: ['deno', 'node'],
    check: matching(
      'must be the secret that was shown when the key was made: copy it on one line',
      /^[\x21-\x7e]{1,512}$/,
    ),
  },
  's3.region': {
    variable: 'S3_REGION',
    default: 'auto',
    runtimes: ['deno', 'node'],
    check: matching(
      'must be as the store names it, as in "eu-central-1"; leave it out for R2',
      /^[a-z0-9-]{1,64}$/,
    ),
  },
  's3.auditBucket': {
    variable: 'S3_AUDIT_BUCKET',
    runtimes: ['deno', 'node'],
    check: (value, options) =>
      value === (options as { readonly s3?: S3Options }).s3?.bucket
        ? [['', 'must be another bucket than S3_BUCKET: who may read recordings need not read the log']]
        : checkBucket(value, options),
  },
}

function checkEndpoint(
  endpoint: unknown,
  { s3 }: { readonly s3?: { readonly bucket?: unknown } },
): readonly Mistake[] {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) {
    return [['', 'must be the address of the store, as in "https://ACCOUNT.r2.cloudflarestorage.com"']]
  }
  const url = new URL(endpoint)
  const { username, password, pathname } = url
  const mistakes: string[] = []
  if (!isSecure(url)) {
    // Without TLS, any machine on the network path reads recordings and can swap one patient's for another's.
    mistakes.push('must begin with "https://": "http://" is only for a store on this machine')
  }
  if (username !== '' || password !== '') {
    mistakes.push('must hold no user and password: they go into S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY')
  }
  if (/[?#]/.test(endpoint)) mistakes.push('must end before any "?" or "#"')
  if (!/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(pathname)) {
    mistakes.push('must have a path of letters, digits and "._~-" between single slashes')
  } else if (s3?.bucket === pathname.split('/').filter(Boolean).at(-1) && s3?.bucket !== undefined) {
    mistakes.push('must not hold the bucket: S3_BUCKET names it')
  }
  return mistakes.map(what => ['', what] as const)
}
