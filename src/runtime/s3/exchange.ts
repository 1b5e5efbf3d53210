import http, { type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { clearTimeout, setTimeout } from 'node:timers'
import { StorageFault } from '../../base/storage-fault.ts'
import { codeOf, type S3Refusal, s3Failed, s3Silent, textOf } from './answer.ts'
import type { S3Limits } from './ask.ts'
import { exactly, type Sent, watched } from './body.ts'
import type { Operation, S3Request, SignedRequest } from './request.ts'

type Body = AsyncIterable<Uint8Array> | null

/** What the store says when it has it all. */
export interface Taken {
  readonly stored: IncomingHttpHeaders
  /** The beginning of the answer's body, for operations that answer with one. */
  readonly text: string
}

/**
 * Sends `size` bytes, once, as they come, and resolves when the store says that it has them all. Where the body breaks
 * off, is shorter or longer, or has another digest, the store never gets its last bytes, so it stores nothing.
 */
export type Upload = (request: S3Request, body: Body, sent: Sent) => Promise<Taken | S3Refusal>

/** Operations whose answer says in its body what came of it. They read no more of it than this, in bytes. */
const TELLING: ReadonlySet<Operation> = new Set(['CreateMultipartUpload', 'CompleteMultipartUpload'])
const MOST_TOLD = 64 * 1024

/** Makes what uploads to a store. By `node:http` on Deno too, whose fetch sends no Content-Length with a stream. */
export function s3Uploader(sign: (request: S3Request) => Promise<SignedRequest>, limits: S3Limits): Upload {
  return async (request, body, sent) => {
    const { size } = sent
    const { url, method, headers } = await sign(request)
    const sending = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      headers: { ...Object.fromEntries(headers), host: url.host, 'content-length': String(size) },
      // A connection of its own: one that is used again may be closed at that moment, and an upload can't be sent
      // twice. Deno would even do that by itself.
      agent: false,
    })
    // The store may be long at putting pieces together.
    const isShort = size === 0 && request.operation !== 'CompleteMultipartUpload'
    return exchange(sending, request.operation, body, sent, isShort ? limits.answer : limits.stall)
  }
}

function exchange(
  sending: ClientRequest,
  operation: Operation,
  body: Body,
  sent: Sent,
  limit: number,
): ReturnType<Upload> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Who stands still: the store, or the client? The client has a deadline of its own.
      if (sending.writableEnded || sending.writableNeedDrain) fail(s3Silent(operation, limit))
      else timer.refresh()
    }, limit)
    const fail = (fault: Error): void => {
      clearTimeout(timer)
      reject(fault)
      sending.destroy()
    }
    // Each may fail more than once: an error that nobody hears would end the process.
    sending.on('error', error => fail(s3Failed(error, operation)))
    sending.once('response', async response => {
      response.on('error', () => {})
      const { statusCode: status = 0, headers } = response
      const isDone = status === 200 || (status === 204 && operation === 'AbortMultipartUpload')
      if (isDone && sending.writableEnded) {
        const telling = watched(response, () => timer.refresh())
        const text = TELLING.has(operation) ? await textOf(telling, MOST_TOLD).catch(() => undefined) : ''
        if (text === undefined) return fail(s3Failed(undefined, operation))
        clearTimeout(timer)
        resolve({ stored: headers, text })
        sending.destroy()
        return
      }
      const code = await codeOf(response)
      if (isDone) return fail(new StorageFault(`S3 answered ${operation} before it had the whole`))
      clearTimeout(timer)
      resolve({ status, code })
      // What is left of the upload, and of the answer, is of no use.
      sending.destroy()
    })

    const source = Readable.from(body ?? [])
    const counted = exactly(sent, () => timer.refresh())
    // These two fail by themselves, or since the other end did: then that was first, and said why.
    source.on('error', () => {
      if (!sending.destroyed) fail(new Error('the upload broke off'))
    })
    counted.on('error', error => {
      if (!sending.destroyed) fail(error)
    })
    pipeline(source, counted, sending).catch((error: unknown) => fail(s3Failed(error, operation)))
  })
}
