import { StorageFault } from '../../base/storage-fault.ts'
import { codeOf, type S3Refusal, s3Failed, s3Silent } from './answer.ts'
import type { S3Request, SignedRequest } from './request.ts'

/** How long the store may take. */
export interface S3Limits {
  /** Milliseconds until an answer begins, over all attempts. */
  readonly answer: number
  /** Milliseconds for which an upload may stand still. */
  readonly stall: number
}

export const S3_LIMITS: S3Limits = { answer: 10_000, stall: 60_000 }

/** Asks without changing anything: what was asked for, handed to `read`, or what the store says instead. */
export type Ask = <Answer>(
  request: S3Request,
  read: (response: Response) => Answer | Promise<Answer>,
) => Promise<Answer | S3Refusal>

/** How often is asked again. Asking changes nothing, so it may be done twice; storing may not. */
const RETRIES = 2
const PASSING = new Set([429, 500, 502, 503, 504])
const PAUSE = 50

/** Makes what asks a store: GET and HEAD, with a time limit, and again where a fault may pass. */
export function s3Asker(sign: (request: S3Request) => Promise<SignedRequest>, { answer }: S3Limits): Ask {
  return async (request, read) => {
    const { operation } = request
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), answer)
    try {
      for (let context = 0; ; context++) {
        const answered = await send(await sign(request), abort.signal).catch((error: unknown) =>
          abort.signal.aborted ? s3Silent(operation, answer) : s3Failed(error, operation),
        )
        const broke = answered instanceof StorageFault
        if (!broke && answered.ok) return await read(answered)
        // GET of an object on a broken disk: to ask again would tell by its time that the object is there.
        const isObjects = !broke && operation === 'GetObject' && answered.status === 500
        const passing = broke || (PASSING.has(answered.status) && !isObjects)
        if (!passing || context === RETRIES || abort.signal.aborted) {
          if (broke) throw answered
          return { status: answered.status, code: await codeOf(answered.body) }
        }
        if (!broke) discard(answered)
        // The store's own wish (Retry-After) isn't heard: it could make everybody wait.
        await pause(PAUSE * 2 ** context * (1 + Math.random()))
      }
    } finally {
      // Only until the answer begins: a body may take hours.
      clearTimeout(timer)
    }
  }
}

function send({ url, method, headers }: SignedRequest, signal: AbortSignal): Promise<Response> {
  // A redirect would take the signature, and the reader, to an address that nobody configured.
  return fetch(url, { method, headers, signal, redirect: 'manual' })
}

/** Lets go of an answer whose body nobody will read. */
export function discard({ body }: Response): void {
  body?.cancel().catch(() => {})
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
