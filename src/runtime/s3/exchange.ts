import { createHash } from 'node:crypto'
import type { ClientRequest, IncomingHttpHeaders } from 'node:http'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { clearTimeout, setTimeout } from 'node:timers'
import { StorageFault } from '../../base/storage-fault.ts'
import { DigestMismatch } from '../../recordings/recording-store.ts'
import type { AnnouncedBytes } from '../../recordings/uploads.ts'
import { connectionFault, readErrorCode, readStart, S3Refusal, timeoutFault } from './answer.ts'
import type { Operation } from './request.ts'

/** An answer by which the store accepts what was sent. */
export interface Accepted {
  readonly headers: IncomingHttpHeaders
  /** The beginning of the answer's body, for operations that answer with one; else empty. */
  readonly xml: string
}

/** A request whose body is to be sent. */
export interface Exchange {
  readonly sending: ClientRequest
  readonly operation: Operation
  readonly body: AsyncIterable<Uint8Array> | null
  readonly announced: AnnouncedBytes
  /** Milliseconds without progress. */
  readonly limit: number
}

/** Operations whose answer has a body that says what came of the request, and how much of it is read, in bytes. */
const WITH_BODY: ReadonlySet<Operation> = new Set(['CreateMultipartUpload', 'CompleteMultipartUpload'])
const BODY_LIMIT = 64 * 1024
/** Operations that are done with an answer without content. */
const REMOVING: ReadonlySet<Operation> = new Set(['AbortMultipartUpload', 'DeleteObject'])

/** Sends a body and resolves to the store's answer. `S3Client.send` says what it throws. */
export function exchange({
  sending,
  operation,
  body,
  announced,
  limit,
}: Exchange): Promise<Accepted | S3Refusal> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Only a store that doesn't take or answer has failed. The client that sends has a deadline of its own.
      if (sending.writableEnded || sending.writableNeedDrain) fail(timeoutFault(operation, limit))
      else timer.refresh()
    }, limit)
    const fail = (fault: Error): void => {
      clearTimeout(timer)
      reject(fault)
      sending.destroy()
    }
    // Each of these may fail more than once, and an error without a listener would end the process.
    sending.on('error', error => fail(connectionFault(error, operation)))
    sending.once('response', async response => {
      response.on('error', () => {})
      const { statusCode: status = 0, headers } = response
      const isDone = status === 200 || (status === 204 && REMOVING.has(operation))
      if (isDone && sending.writableEnded) {
        const watched = withProgress(response, () => timer.refresh())
        const xml = WITH_BODY.has(operation)
          ? await readStart(watched, BODY_LIMIT).catch(() => undefined)
          : ''
        if (xml === undefined) return fail(connectionFault(undefined, operation))
        clearTimeout(timer)
        resolve({ headers, xml })
        sending.destroy()
        return
      }
      const code = await readErrorCode(response)
      if (isDone) return fail(new StorageFault(`S3 answered ${operation} before it had the whole`))
      clearTimeout(timer)
      resolve(new S3Refusal(operation, status, code))
      // The rest of the upload, and of the answer, is of no use.
      sending.destroy()
    })

    const source = Readable.from(body ?? [])
    const counted = exactly(announced, () => timer.refresh())
    // If the request was destroyed, these two fail because of it, and the first failure was reported.
    source.on('error', () => {
      if (!sending.destroyed) fail(new Error('the upload broke off'))
    })
    counted.on('error', error => {
      if (!sending.destroyed) fail(error)
    })
    pipeline(source, counted, sending).catch((error: unknown) => fail(connectionFault(error, operation)))
  })
}

/**
 * Creates a stream that passes on exactly the announced bytes. It holds back the last chunk until it knows that it is
 * the last and that the digest matches. An empty body has no chunk: its end is held back, and until then no request
 * has begun.
 */
function exactly({ size, sha256 }: AnnouncedBytes, progress: () => void): Transform {
  const hash = sha256 === undefined ? undefined : createHash('sha256')
  let left = size
  let last: Uint8Array | undefined
  return new Transform({
    transform(chunk: Uint8Array, _encoding, next) {
      progress()
      hash?.update(chunk)
      left -= chunk.length
      if (left < 0) return next(new Error('the upload is longer than was announced'))
      if (left > 0) return next(null, chunk)
      last ??= chunk
      next()
    },
    flush(next) {
      progress()
      if (left > 0) return next(new Error('the upload is shorter than was announced'))
      if (hash !== undefined && hash.digest('hex') !== sha256) return next(new DigestMismatch())
      next(null, last)
    },
  })
}

/** Reports progress for every chunk. While a store assembles an upload, it sends spaces to show that it is alive. */
async function* withProgress(
  answer: AsyncIterable<Uint8Array>,
  progress: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of answer) {
    progress()
    yield chunk
  }
}
