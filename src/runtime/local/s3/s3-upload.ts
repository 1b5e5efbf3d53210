import http, { type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { clearTimeout, setTimeout } from 'node:timers'
import { StorageFault } from '../../../storage-fault.ts'
import { codeOf, type S3Refusal, s3Failed, s3Silent } from './s3-answer.ts'
import type { S3Limits } from './s3-ask.ts'
import type { S3Request, SignedRequest } from './s3-request.ts'

type Body = ReadableStream<Uint8Array> | null

/**
 * Sends an object of exactly `size` bytes, once, as it comes. Resolves to the headers of the answer when the store
 * says that it has it all. Where the body breaks off, or is shorter or longer, the store never gets its last bytes,
 * so it stores nothing.
 */
export type Upload = (
  request: S3Request,
  body: Body,
  size: number,
) => Promise<{ readonly stored: IncomingHttpHeaders } | S3Refusal>

/** Makes what uploads to a store. By `node:http` on Deno too, whose fetch sends no Content-Length with a stream. */
export function s3Uploader(sign: (request: S3Request) => Promise<SignedRequest>, limits: S3Limits): Upload {
  return async (request, body, size) => {
    const { url, method, headers } = await sign(request)
    const sending = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      headers: { ...Object.fromEntries(headers), host: url.host, 'content-length': String(size) },
      // A connection of its own: one that is used again may be closed at that moment, and an upload can't be sent
      // twice. Deno would even do that by itself.
      agent: false,
    })
    return exchange(sending, body, size, size === 0 ? limits.answer : limits.stall)
  }
}

function exchange(sending: ClientRequest, body: Body, size: number, limit: number): ReturnType<Upload> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Who stands still: the store, or who uploads?
      const store = sending.writableEnded || sending.writableNeedDrain
      fail(store ? s3Silent('PutObject', limit) : new Error('the upload stands still'))
    }, limit)
    const fail = (fault: Error): void => {
      clearTimeout(timer)
      reject(fault)
      sending.destroy()
    }
    // Each may fail more than once: an error that nobody hears would end the process.
    sending.on('error', error => fail(s3Failed(error, 'PutObject')))
    sending.once('response', async response => {
      response.on('error', () => {})
      const { statusCode: status = 0, headers } = response
      if (status === 200 && sending.writableEnded) {
        clearTimeout(timer)
        resolve({ stored: headers })
        sending.destroy()
        return
      }
      const code = await codeOf(response)
      if (status === 200) return fail(new StorageFault('S3 answered PutObject before it had the whole'))
      clearTimeout(timer)
      resolve({ status, code })
      // What is left of the upload, and of the answer, is of no use.
      sending.destroy()
    })

    const source = body === null ? Readable.from([]) : Readable.fromWeb(body as NodeStream<Uint8Array>)
    const counted = exactly(size, () => timer.refresh())
    // These two fail by themselves, or since the other end did: then that was first, and said why.
    source.on('error', () => {
      if (!sending.destroyed) fail(new Error('the upload broke off'))
    })
    counted.on('error', error => {
      if (!sending.destroyed) fail(error)
    })
    pipeline(source, counted, sending).catch((error: unknown) => fail(s3Failed(error, 'PutObject')))
  })
}

/** Lets through exactly `size` bytes. The last go on only when it is sure that they are the last. */
function exactly(size: number, progress: () => void): Transform {
  let left = size
  let last: Uint8Array | undefined
  return new Transform({
    transform(chunk: Uint8Array, _encoding, next) {
      progress()
      left -= chunk.length
      if (left < 0) return next(new Error('the upload is longer than was announced'))
      if (left > 0) return next(null, chunk)
      last ??= chunk
      next()
    },
    flush(next) {
      progress()
      if (left > 0) return next(new Error('the upload is shorter than was announced'))
      next(null, last)
    },
  })
}
