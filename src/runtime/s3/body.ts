import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { DigestMismatch } from '../../recordings/recording-store.ts'

/** What is sent to a store. */
export interface Sent {
  /** Exactly so many bytes will come. */
  readonly size: number
  /** SHA-256 that they must have, hexadecimal. */
  readonly sha256?: string | undefined
}

/**
 * Lets through exactly `size` bytes. The last go on only when it is sure that they are the last, and the right ones;
 * where there are none, it is the end that waits for it, and no request has begun by then.
 */
export function exactly({ size, sha256 }: Sent, progress: () => void): Transform {
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

/** What a store answers, as it comes. One that is long at it sends spaces, so that nobody takes it for gone. */
export async function* watched(
  answer: AsyncIterable<Uint8Array>,
  progress: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of answer) {
    progress()
    yield chunk
  }
}
