import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { StorageFault } from '../../base/storage-fault.ts'
import type { AnnouncedBytes } from '../../recordings/uploads.ts'
import {
  cancelBody,
  connectionFault,
  isWhole,
  readErrorCode,
  readStart,
  S3Refusal,
  timeoutFault,
} from './answer.ts'
import { type Accepted, exchange } from './exchange.ts'
import type { S3Options } from './options.ts'
import { createSigner, type Operation, type S3Request, type SignedRequest } from './request.ts'

/** How long the store may take. */
export interface S3Limits {
  /** Milliseconds until an answer begins, over all attempts. */
  readonly answer: number
  /** Milliseconds without progress of an upload. */
  readonly stall: number
}

export const S3_LIMITS: S3Limits = { answer: 10_000, stall: 60_000 }

/** How often a request is repeated. Only requests that change nothing are. */
const RETRIES = 2
const PASSING = new Set([429, 500, 502, 503, 504])
const PAUSE = 50
/** How much of a list is read: two keys of 1024 characters, each written as `%XX`, and what surrounds them. */
const LIST_LIMIT = 64 * 1024

/** Sends signed requests to one bucket. */
export class S3Client {
  readonly #sign: (request: S3Request) => Promise<SignedRequest>
  readonly #limits: S3Limits
  readonly #lookup: LookupFunction | undefined

  /** @param lookup resolves names for uploads, in place of the system's */
  constructor(options: S3Options, limits: S3Limits, lookup?: LookupFunction) {
    this.#sign = createSigner(options)
    this.#limits = limits
    this.#lookup = lookup
  }

  /**
   * Sends a GET or HEAD request, and repeats it after a fault that may pass. Resolves to what `read` returns for an
   * answer of success, else to the store's refusal.
   *
   * @throws StorageFault if the store can't be reached, or doesn't answer in time
   */
  async ask<Answer>(
    request: S3Request,
    read: (response: Response) => Answer | Promise<Answer>,
  ): Promise<Answer | S3Refusal> {
    const { operation } = request
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), this.#limits.answer)
    try {
      for (let attempt = 0; ; attempt++) {
        const answer = await this.#fetch(request, abort.signal)
        const isFault = answer instanceof StorageFault
        if (!isFault && answer.ok) return await read(answer)
        if (attempt === RETRIES || abort.signal.aborted || !mayPass(answer, operation)) {
          if (isFault) throw answer
          return new S3Refusal(operation, answer.status, await readErrorCode(answer.body))
        }
        if (!isFault) cancelBody(answer)
        // The store's Retry-After is ignored: it could make all callers wait.
        await pause(PAUSE * 2 ** attempt * (1 + Math.random()))
      }
    } finally {
      // The limit ends when the answer begins: its body may take hours.
      clearTimeout(timer)
    }
  }

  /**
   * Resolves to the first of the keys below a prefix that ends in `/`, or to undefined if there is none.
   *
   * @throws StorageFault if the answer is not such a list, or only a part of it
   */
  async firstKeyBelow(prefix: string): Promise<string | undefined> {
    const operation = 'ListObjectsV2'
    const list = await this.ask({ operation, prefix }, ({ body }) =>
      readStart(body, LIST_LIMIT).catch((error: unknown) => {
        throw connectionFault(error, operation)
      }),
    )
    if (list instanceof S3Refusal) throw list.fault()
    // If a page that is cut off passed for an empty one, a recorder could claim another patient's recording.
    if (!isWhole(list, 'ListBucketResult')) {
      throw new StorageFault('S3 answered ListObjectsV2 with something else than a list: look at S3_ENDPOINT')
    }
    // A store that doesn't know the parameter encoding-type sends keys as they are.
    const isEncoded = list.includes('<EncodingType>url</EncodingType>')
    const keys = [...list.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
      isEncoded ? decodeKey(key) : key,
    )
    if (!keys.every(key => key?.startsWith(prefix))) {
      throw new StorageFault('S3 answered ListObjectsV2 with other keys than were asked for')
    }
    // Tools that show folders store an empty object for each, under its name with the slash.
    return keys.find(key => key !== prefix)
  }

  /**
   * Sends exactly the announced bytes, once, as they come. Resolves when the store says that it has them all. If the
   * body breaks off, has more or fewer bytes, or another digest, the store never gets its last bytes, so it stores
   * nothing.
   *
   * @throws DigestMismatch, or StorageFault if the store fails, or Error if the body does
   */
  async send(
    request: S3Request,
    body: AsyncIterable<Uint8Array> | null,
    announced: AnnouncedBytes,
  ): Promise<Accepted | S3Refusal> {
    const { operation } = request
    const { size } = announced
    const { url, method, headers } = await this.#sign(request)
    // `node:http` is used on Deno too, whose fetch sends no Content-Length with a stream.
    const sending = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      headers: { ...Object.fromEntries(headers), host: url.host, 'content-length': String(size) },
      // Each upload has a connection of its own. A pooled one may be closed at that moment, and an upload can't be
      // repeated; Deno would even repeat it by itself.
      agent: false,
      ...(this.#lookup && { lookup: this.#lookup }),
    })
    // The store may take long to assemble pieces.
    const isShort = size === 0 && operation !== 'CompleteMultipartUpload'
    const limit = isShort ? this.#limits.answer : this.#limits.stall
    return exchange({ sending, operation, body, announced, limit })
  }

  async #fetch(request: S3Request, signal: AbortSignal): Promise<Response | StorageFault> {
    const { operation } = request
    const { url, method, headers } = await this.#sign(request)
    // Following a redirect would send the signature, and the reader, to an address that the operator didn't configure.
    return fetch(url, { method, headers, signal, redirect: 'manual' }).catch((error: unknown) =>
      signal.aborted ? timeoutFault(operation, this.#limits.answer) : connectionFault(error, operation),
    )
  }
}

/** Whether a fault may pass. */
function mayPass(answer: Response | StorageFault, operation: Operation): boolean {
  if (answer instanceof StorageFault) return true
  // An object on a broken disk: a second GET would reveal by its time that the object exists.
  if (operation === 'GetObject' && answer.status === 500) return false
  return PASSING.has(answer.status)
}

function decodeKey(key: string): string | undefined {
  try {
    // A plain "+" means a space here. We store no key with a space, and it must not pass for one with a "+".
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
