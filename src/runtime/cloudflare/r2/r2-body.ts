import type { OpenedPart } from '../../../recordings/recording-store.ts'

/** A global of Workers: a stream whose length the runtime knows. */
declare const FixedLengthStream: new (size: number) => TransformStream<Uint8Array, Uint8Array>

/**
 * The longest body that is handed on as R2 gives it, in bytes. Buffers of sockets take in up to 5 MiB, so cutting a
 * shorter one would hold little back.
 */
const UNCUT = 8 * 2 ** 20

/**
 * Makes a body of R2 one that can be cut. A pipe of the runtime's own is the only stream there that can be: what R2 gives
 * can't be cancelled while it is sent. No byte passes through JavaScript; the pipe takes up to a tenth more CPU than none.
 */
export function cuttable(
  body: ReadableStream<Uint8Array>,
  length: number,
): Pick<OpenedPart, 'body' | 'taken' | 'cut'> {
  if (length <= UNCUT) return { body }
  const { readable, writable } = new FixedLengthStream(length)
  const abort = new AbortController()
  const taken = body.pipeTo(writable, { signal: abort.signal }).then(
    () => length,
    () => 'cut' as const,
  )
  return { body: readable, taken, cut: () => abort.abort() }
}
