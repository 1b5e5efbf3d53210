import { AwsV4Signer } from 'aws4fetch'
import { StorageFault } from '../../base/storage-fault.ts'
import type { S3Options } from './options.ts'

/** What is asked of a store, by the names of its API. */
export type Operation =
  | 'HeadObject'
  | 'GetObject'
  | 'PutObject'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'

/** A request to a bucket: of one object by `key`, or of the objects that begin with `prefix`. */
export interface S3Request {
  readonly operation: Operation
  readonly key?: string
  readonly prefix?: string
  /** The upload in pieces that it is about: what the store called it. */
  readonly upload?: string
  /** The piece of the upload, from 1. */
  readonly number?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that is ready to be sent. */
export interface SignedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
}

const METHOD: Readonly<Record<Operation, string>> = {
  HeadObject: 'HEAD',
  GetObject: 'GET',
  PutObject: 'PUT',
  ListObjectsV2: 'GET',
  CreateMultipartUpload: 'POST',
  UploadPart: 'PUT',
  CompleteMultipartUpload: 'POST',
  AbortMultipartUpload: 'DELETE',
}

const PLAIN = /^[A-Za-z0-9._~=+:@/-]{1,1024}$/
const NO_SEGMENT = /(^|\/)(\.{1,2})?(\/|$)/
const VISIBLE = /^[\x20-\x7e]*$/

/** Makes the signer of requests to one bucket, whose address is `ENDPOINT/BUCKET/KEY`. */
export function s3Signer(options: S3Options): (request: S3Request) => Promise<SignedRequest> {
  const { endpoint, bucket, accessKeyId, secretAccessKey, region = 'auto' } = options
  const { origin, pathname } = new URL(endpoint)
  const bucketPath = `${pathname.replace(/\/$/, '')}/${bucket}`
  const cache = new Map<string, ArrayBuffer>()

  return async ({ operation, key, prefix, upload, number, headers = {} }) => {
    // A header's own error message would quote the value, and a line break would begin another header.
    if (!Object.values(headers).every(value => VISIBLE.test(value))) {
      throw new StorageFault('what is sent to S3 in a header must be visible ASCII')
    }
    if (key !== undefined) checkKey(key)
    // Escaped, as the signature counts a plain "+" for a space.
    const path =
      key === undefined ? bucketPath : `${bucketPath}/${key.split('/').map(encodeURIComponent).join('/')}`
    const url = new URL(origin + path)
    // What is signed must be what is meant: nothing may have been resolved, escaped or cut off on the way.
    if (url.pathname !== path) throw new StorageFault('the address of an object came out as another')
    if (prefix !== undefined) url.search = listing(prefix)
    if (operation === 'CreateMultipartUpload') url.search = 'uploads='
    if (upload !== undefined) url.search = ofUpload(upload, number)
    // `cache` holds the day's signing key. Of a body only the length is known when it is signed: TLS guards it.
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
    // Unsigned, as proxies rewrite it. A compressed body would be unpacked, and be longer than was said.
    signed.headers.set('accept-encoding', 'identity')
    return signed
  }
}

function listing(prefix: string): string {
  checkKey(prefix.replace(/\/$/, ''))
  // Two, as the first may be the marker of a folder.
  return `list-type=2&prefix=${encodeURIComponent(prefix)}&max-keys=2&encoding-type=url`
}

/** The name is the caller's to say: what is not escaped in it could ask for something else of the store. */
function ofUpload(upload: string, number: number | undefined): string {
  const piece = number === undefined ? '' : `partNumber=${number}&`
  return `${piece}uploadId=${encodeURIComponent(upload)}`
}

/** Whether a key means the same in a URL. */
export function isKey(key: string): boolean {
  return PLAIN.test(key) && !NO_SEGMENT.test(key)
}

/**
 * Makes sure that a key means the same in a URL. `new URL` would resolve dot segments and take a backslash for a slash,
 * so that the key of one recording could lead to another's; and servers differ in what they decode.
 *
 * @throws StorageFault that doesn't quote it
 */
export function checkKey(key: string): void {
  if (!isKey(key)) {
    throw new StorageFault(
      'a key in S3 may hold letters, digits and "._~=+:@/-", and no empty and no dot segments',
    )
  }
}
