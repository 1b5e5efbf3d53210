import { StorageFault } from '../../base/storage-fault.ts'
import type { Operation } from './request.ts'

/** How much of an answer that says what is wrong is read, in bytes. */
const ERROR_LIMIT = 4096
// Matches names like NoSuchKey and KMS.DisabledException, but no access key id, bucket or address.
const CODE = /^(?=.*[a-z])(?:KMS\.)?[A-Z][A-Za-z0-9]{0,63}$/

const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: 'give its key the right to read, write and list this bucket, also below ".mediaward/"',
  InvalidAccessKeyId: 'look at S3_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'look at S3_SECRET_ACCESS_KEY and S3_REGION',
  AuthorizationHeaderMalformed: 'look at S3_REGION',
  RequestTimeTooSkewed: "set this machine's clock",
  NoSuchBucket: 'look at S3_BUCKET and S3_ENDPOINT',
  PermanentRedirect: 'look at S3_ENDPOINT and S3_REGION',
  TemporaryRedirect: 'look at S3_ENDPOINT and S3_REGION',
}

/** An answer by which the store refuses a request. */
export class S3Refusal {
  readonly operation: Operation
  readonly status: number
  /** The store's error code, such as `NoSuchKey`; undefined if it gave none, or one that may hold more than a name. */
  readonly code: string | undefined

  constructor(operation: Operation, status: number, code: string | undefined) {
    this.operation = operation
    this.status = status
    this.code = code
  }

  /** Whether the store says that `If-None-Match` or `If-Match` doesn't hold. */
  get isConditionFailed(): boolean {
    return (
      this.status === 412 ||
      // Another request changed the object at the same moment.
      (this.status === 409 && this.code === 'ConditionalRequestConflict') ||
      // AWS answers this to If-Match if there is no object.
      (this.status === 404 && this.code === 'NoSuchKey')
    )
  }

  /**
   * Returns the refusal as a fault. The store's own message is left out: it holds the bucket, the key, the access key id
   * and what was signed.
   */
  fault(): StorageFault {
    const { operation, status, code } = this
    const advice = code !== undefined && Object.hasOwn(ADVICE, code) ? `: ${ADVICE[code]}` : ''
    return new StorageFault(
      `S3 answered ${status}${code === undefined ? '' : ` ${code}`} to ${operation}${advice}`,
    )
  }
}

/**
 * Returns a broken connection as a fault. The error itself is left out: Deno's names the address, and Node's has a
 * cause that does.
 */
export function connectionFault(error: unknown, operation: Operation): StorageFault {
  const code = networkCode(error) ?? networkCode(error instanceof Error ? error.cause : undefined)
  return new StorageFault(`S3 could not be reached for ${operation}${code === undefined ? '' : ` (${code})`}`)
}

/** Returns a missing answer as a fault. */
export function timeoutFault(operation: Operation, milliseconds: number): StorageFault {
  return new StorageFault(`S3 did not answer ${operation} within ${milliseconds / 1000} s`)
}

/** Reads the store's error code from the body of an answer. The rest of the body is not read. */
export async function readErrorCode(body: AsyncIterable<Uint8Array> | null): Promise<string | undefined> {
  return errorCodeIn(await readStart(body, ERROR_LIMIT).catch(() => ''))
}

/** Returns the store's error code in XML. */
export function errorCodeIn(xml: string): string | undefined {
  const code = /<Code>([^<]*)<\/Code>/.exec(xml)?.[1] ?? ''
  return CODE.test(code) ? code : undefined
}

/** Whether XML ends with the end of an element that it began, so that nothing of it is cut off. */
export function isWhole(xml: string, name: string): boolean {
  const [, rest = ''] = xml.split(`<${name}`, 2)
  return /^[\s>]/.test(rest) && xml.trimEnd().endsWith(`</${name}>`)
}

/** Reads the first `limit` bytes of a body as UTF-8. The rest is not read. */
export async function readStart(body: AsyncIterable<Uint8Array> | null, limit: number): Promise<string> {
  const decoder = new TextDecoder()
  let start = ''
  let left = limit
  for await (const chunk of body ?? []) {
    start += decoder.decode(chunk.subarray(0, left), { stream: true })
    left -= chunk.length
    // Leaving the loop cancels the body.
    if (left <= 0) break
  }
  return start
}

/** Cancels the body of an answer that will not be read. */
export function cancelBody({ body }: Response): void {
  body?.cancel().catch(() => {})
}

function networkCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : undefined
}
