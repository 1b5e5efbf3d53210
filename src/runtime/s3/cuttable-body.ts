import { StorageFault } from '../../base/storage-fault.ts'
import { countedBody } from '../../recordings/counted-body.ts'
import type { OpenedPart } from '../../recordings/recording-store.ts'

/**
 * The longest body that is handed on as `fetch` gives it, in bytes. Deno's server sends such a body itself, so that nothing
 * can cut it, and takes a third of the CPU: there only what the buffers of sockets can't take in is worth cutting. On Node
 * the bytes of each body pass through JavaScript anyway.
 */
const UNCUT = 'Deno' in globalThis ? 8 * 2 ** 20 : 256 * 1024

/** Makes the body of an answer one that can be cut. */
export function cuttable(
  body: ReadableStream<Uint8Array>,
  length: number,
): Pick<OpenedPart, 'body' | 'taken' | 'cut'> {
  if (length <= UNCUT) return { body }
  const reader = body.getReader()
  return countedBody(length, {
    async read() {
      const { value } = await reader.read()
      if (value === undefined) throw new StorageFault('S3 broke off in the middle of an object')
      return value
    },
    release(taken) {
      // At the end, one read more lets the connection be used again.
      const ended = taken < length ? reader.cancel() : reader.read()
      ended.catch(() => {})
    },
  })
}
