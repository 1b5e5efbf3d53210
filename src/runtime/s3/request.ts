import { AwsV4Signer } from 'aws4fetch'
import { StorageFault } from '../../base/storage-fault.ts'
import type { S3Options } from './options.ts'

/** An operation of the S3 API, by its name. */
export type Operation =
  | 'HeadObject'
  | 'GetObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'

/** A request to a bucket: for the object with this `key`, or for the keys that begin with `prefix`. */
export interface S3Request {
  readonly operation: Operation
  readonly key?: string
  readonly prefix?: string
  /** The id that the store gave to an upload in pieces. */
  readonly upload?: string
  /** The piece of the upload, from 1. */
  readonly number?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that can be sent. */
export interface SignedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
}

const METHOD: Readonly<Record<Operation, string>> = {
  HeadObject: 'HEAD',
  GetObject: 'GET',
  PutObject: 'PUT',
  DeleteObject: 'DELETE',
  ListObjectsV2: 'GET',
  CreateMultipartUpload: 'POST',
  UploadPart: 'PUT',
  CompleteMultipartUpload: 'POST',
  AbortMultipartUpload: 'DELETE',
}

const PLAIN = /^[A-Za-z0-9._~=+:@/-]{1,1024}$/
const NO_SEGMENT = /(^|\/)(\.{1,2})?(\/|$)/
const VISIBLE = /^[\x20-\x7e]*$/

/**
 * Creates a function that signs requests to one bucket, with addresses like `ENDPOINT/BUCKET/KEY`. It throws a
 * StorageFault for a request that could mean something else than it says.
 */
export function createSigner(options: S3Options): (request: S3Request) => Promise<SignedRequest> {
  const { endpoint, bucket, accessKeyId, secretAccessKey, region = 'auto' } = options
  const { origin, pathname } = new URL(endpoint)
  const bucketPath = `${pathname.replace(/\/$/, '')}/${bucket}`
  const cache = new Map<string, ArrayBuffer>()

  return async ({ operation, key, prefix, upload, number, headers = {} }) => {
    // The error message of `Headers` would quote the value. A line break would begin another header.
    if (!Object.values(headers).every(value => VISIBLE.test(value))) {
      throw new StorageFault('what is sent to S3 in a header must be visible ASCII')
    }
    if (key !== undefined) checkS3Key(key)
    // Escaped, since the signature takes a plain "+" for a space.
    const path =
      key === undefined ? bucketPath : `${bucketPath}/${key.split('/').map(encodeURIComponent).join('/')}`
    const url = new URL(origin + path)
    // `URL` must not have resolved, escaped or cut off anything: the signed address must be the intended one.
    if (url.pathname !== path)
      throw new StorageFault('the address of an object in S3 was changed by the URL parser')
    if (prefix !== undefined) url.search = listQuery(prefix)
    if (operation === 'CreateMultipartUpload') url.search = 'uploads='
    if (upload !== undefined) url.search = uploadQuery(upload, number)
    // `cache` holds the day's signing key. Only the length of a body is known when the request is signed; TLS protects
    // its bytes.
    const signer = new AwsV4Signer({
      method: METHOD[operation],
      url: url.href,
      headers,
      accessKeyId,
      secretAccessKey,
      service: 's3',
      region,
      cache,
    })
    const signed = await signer.sign()
    // Unsigned, since proxies rewrite it. Fetch would unpack a compressed body, and its length would not fit.
    signed.headers.set('accept-encoding', 'identity')
    return signed
  }
}

function listQuery(prefix: string): string {
  checkS3Key(prefix.replace(/\/$/, ''))
  // Two keys, since the first may be the marker of a folder.
  return `list-type=2&prefix=${encodeURIComponent(prefix)}&max-keys=2&encoding-type=url`
}

/** The id comes from the caller. Unescaped, it could change what the store is asked for. */
function uploadQuery(upload: string, number: number | undefined): string {
  const piece = number === undefined ? '' : `partNumber=${number}&`
  return `${piece}uploadId=${encodeURIComponent(upload)}`
}

/** Whether the S3 store takes a key: its path in a URL means the key itself. */
export function isS3Key(key: string): boolean {
  return PLAIN.test(key) && !NO_SEGMENT.test(key)
}

/**
 * Checks that the path of a key in a URL means the key itself. `new URL` would resolve dot segments and take a backslash
 * for a slash, so that the key of one recording could lead to another's; and servers differ in what they decode.
 *
 * @throws StorageFault that doesn't quote the key
 */
export function checkS3Key(key: string): void {
  if (!isS3Key(key)) {
    throw new StorageFault(
      'a key in S3 may hold letters, digits and "._~=+:@/-", and no empty and no dot segments',
    )
  }
}
