import { Buffer } from 'node:buffer'
import { fstatSync, read } from 'node:fs'
import { StorageFault } from '../../base/storage-fault.ts'
import { countedBody } from '../../recordings/counted-body.ts'
import type { OpenedPart } from '../../recordings/recording-store.ts'
import { diskFailed } from './disk-fault.ts'
import type { OpenFile } from './open-files.ts'

/** How many bytes are read at once. Each read costs a turn of the event loop; each slow client holds one chunk. */
const CHUNK = 256 * 1024

/**
 * Creates a chunk to read into. Node fills a new array with zeros, which takes longer than reading into it, so Node gets
 * a buffer that isn't filled. On Deno a buffer is slower than an array.
 */
const newChunk: (length: number) => Uint8Array =
  'Deno' in globalThis ? length => new Uint8Array(length) : length => Buffer.allocUnsafeSlow(length)

/**
 * Streams a range of an open file, and reads only what the consumer asks for. Releases the file when the stream ends,
 * fails, or is cancelled or cut. If the file changed in the meantime, the stream fails before its last bytes, so that a
 * client that counts them never takes a mixture of two versions for the whole.
 */
export function fileBody(
  file: OpenFile,
  { offset, length }: { readonly offset: number; readonly length: number },
): Pick<OpenedPart, 'body' | 'taken' | 'cut'> {
  const { body, taken, cut } = countedBody(length, {
    async read(at) {
      try {
        const chunk = await readAt(file, offset + at, Math.min(CHUNK, length - at))
        if (chunk.length === 0 || (at + chunk.length === length && hasChanged(file))) {
          throw new StorageFault('the file of a recording was changed while it was read')
        }
        return chunk
      } catch (error) {
        file.forget()
        throw error
      }
    },
    release: () => file.release(),
  })
  // A body of one chunk is with the system as soon as it is read.
  return length > CHUNK ? { body, taken, cut } : { body, taken }
}

/** Reads on another thread, as the disk may be slow. Resolves to fewer bytes at the end of the file. */
function readAt({ descriptor }: OpenFile, position: number, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunk = newChunk(length)
    read(descriptor, chunk, 0, length, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead === length ? chunk : chunk.subarray(0, bytesRead))
      else reject(error)
    })
  }).catch(diskFailed) as Promise<Uint8Array>
}

function hasChanged({ descriptor, stats }: OpenFile): boolean {
  const { size, mtimeMs } = fstatSync(descriptor)
  return size !== stats.size || mtimeMs !== stats.mtimeMs
}
