import { StorageFault } from '../../base/storage-fault.ts'
import type { Operation } from './request.ts'

/** An answer of the store that isn't what was asked for. */
export interface S3Refusal {
  readonly status: number
  /** The store's name of what is wrong, if it gave a plain one. */
  readonly code: string | undefined
}

/** The most that is read of an answer that says what is wrong. */
const ERROR_LIMIT = 4096
// Words like NoSuchKey and KMS.DisabledException. An access key id, the name of a bucket and an address don't pass for one.
const CODE = /^(?=.*[a-z])(?:KMS\.)?[A-Z][A-Za-z0-9]{0,63}$/

const MEND: Readonly<Record<string, string>> = {
  AccessDenied: 'give its key the right to read, write and list this bucket',
  InvalidAccessKeyId: 'look at S3_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'look at S3_SECRET_ACCESS_KEY and S3_REGION',
  AuthorizationHeaderMalformed: 'look at S3_REGION',
  RequestTimeTooSkewed: "set this machine's clock",
  NoSuchBucket: 'look at S3_BUCKET and S3_ENDPOINT',
  PermanentRedirect: 'look at S3_ENDPOINT and S3_REGION',
  TemporaryRedirect: 'look at S3_ENDPOINT and S3_REGION',
}

/**
 * What an answer of the store comes to as a fault. Its own words are left out, as they hold the bucket, the key, the
 * access key id, and what was signed.
 */
export function s3Answered({ status, code }: S3Refusal, operation: Operation): StorageFault {
  const mend = code !== undefined && Object.hasOwn(MEND, code) ? `: ${MEND[code]}` : ''
  return new StorageFault(
    `S3 answered ${status}${code === undefined ? '' : ` ${code}`} to ${operation}${mend}`,
  )
}

/**
 * What a broken connection comes to as a fault. The error itself is left out: that of Deno names the address, that of
 * Node has it in its cause.
 */
export function s3Failed(error: unknown, operation: Operation): StorageFault {
  const code = systemCode(error) ?? systemCode(error instanceof Error ? error.cause : undefined)
  return new StorageFault(`S3 could not be reached for ${operation}${code === undefined ? '' : ` (${code})`}`)
}

/** What silence comes to as a fault. */
export function s3Silent(operation: Operation, milliseconds: number): StorageFault {
  return new StorageFault(`S3 did not answer ${operation} within ${milliseconds / 1000} s`)
}

/** The store's name of what is wrong, from the body of its answer. What is left of the body is not read. */
export async function codeOf(body: AsyncIterable<Uint8Array> | null): Promise<string | undefined> {
  return codeIn(await textOf(body, ERROR_LIMIT).catch(() => ''))
}

/** The same from its text. */
export function codeIn(text: string): string | undefined {
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? ''
  return CODE.test(code) ? code : undefined
}

/** Whether XML ends with the end of an element that it began, so that nothing of it is cut off. */
export function isWhole(xml: string, name: string): boolean {
  const [, rest = ''] = xml.split(`<${name}`, 2)
  return /^[\s>]/.test(rest) && xml.trimEnd().endsWith(`</${name}>`)
}

/** The beginning of a body, as text. What is left of it is not read. */
export async function textOf(body: AsyncIterable<Uint8Array> | null, limit: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let left = limit
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true })
    left -= chunk.length
    // Leaving the loop cancels the body.
    if (left <= 0) break
  }
  return text
}

function systemCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : undefined
}
