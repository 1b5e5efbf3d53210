import { StorageFault } from '../../base/storage-fault.ts'
import { BodyCut, countedBody } from '../../recordings/counted-body.ts'
import type { OpenedPart } from '../../recordings/recording-store.ts'

type Body = Pick<OpenedPart, 'body' | 'taken' | 'cut'>

/** The longest body that is handed on as the store gives it, in bytes: about as much as sockets have in their buffers. */
const UNCUT = 256 * 1024
/**
 * The same on Deno, whose server sends a body of `fetch` itself. Nothing can cut that, so a longer body passes through
 * JavaScript, which takes more CPU.
 */
const UNCUT_ON_DENO = 8 * 2 ** 20

/**
 * Makes the body of an answer one that can be cut.
 *
 * @param abort ends the exchange
 */
export const cuttable: (body: ReadableStream<Uint8Array>, length: number, abort: AbortController) => Body =
  'Deno' in globalThis ? passedOn : abortable

function abortable(body: ReadableStream<Uint8Array>, length: number, abort: AbortController): Body {
  return length > UNCUT ? { body, cut: () => abort.abort(new BodyCut()) } : { body }
}

function passedOn(body: ReadableStream<Uint8Array>, length: number): Body {
  if (length <= UNCUT_ON_DENO) return { body }
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
