import { Buffer } from 'node:buffer'
import { fstatSync, read } from 'node:fs'
import { StorageFault } from '../../base/storage-fault.ts'
import { diskFailed } from './disk-fault.ts'
import type { OpenFile } from './open-files.ts'

/** Bytes read at once. Each costs a turn of the event loop, so few large ones; each slow client holds one. */
const CHUNK = 256 * 1024

/**
 * Node fills a new array with zeros, which takes longer than reading into it, so there it is a buffer without them. On
 * Deno a buffer is the slower one.
 */
const newChunk: (length: number) => Uint8Array =
  'Deno' in globalThis ? length => new Uint8Array(length) : length => Buffer.allocUnsafeSlow(length)

/**
 * Some bytes of an open file, read only as they are asked for. The file is released at the end, on failure, and where
 * nobody reads on. Where it changed in the meantime the stream fails before its last bytes, so that a client that
 * counts them never takes a mixture of two versions for whole.
 */
export function fileBody(
  file: OpenFile,
  { offset, length }: { readonly offset: number; readonly length: number },
): { readonly body: ReadableStream<Uint8Array>; readonly taken: Promise<number> } {
  let at = offset
  const end = offset + length
  let left = false
  let ended: (taken: number) => void = () => {}
  const taken = new Promise<number>(resolve => {
    ended = resolve
  })
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await readAt(file, at, Math.min(CHUNK, end - at))
          if (left) return
          at += chunk.length
          if (chunk.length === 0 || (at === end && hasChanged(file))) {
            throw new StorageFault('the file of a recording was changed while it was read')
          }
          controller.enqueue(chunk)
          if (at < end) return
        } catch (error) {
          file.forget()
          release()
          throw error
        }
        release()
        controller.close()
      },
      cancel() {
        left = true
        release()
      },
    },
    // Nothing is read ahead: a client that takes nothing costs no memory.
    { highWaterMark: 0 },
  )
  return { body, taken }

  function release(): void {
    file.release()
    ended(at - offset)
  }
}

/** Reads on a thread of its own, as the bytes may have to come from the disk. Fewer come at the end of the file. */
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
