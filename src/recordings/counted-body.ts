import type { OpenedPart } from './recording-store.ts'

/** Where the bytes of a body come from. */
export interface ChunkSource {
  /** Resolves to the next bytes after the first `at`: at least one. If it rejects, the body fails with the same error. */
  read(at: number): Promise<Uint8Array>
  /** Called once, when the body has ended, failed, or been cancelled or cut: no more than `taken` bytes were taken. */
  release(taken: number): void
}

/** Why a body fails that was cut. */
export class BodyCut extends Error {
  override readonly name = 'BodyCut'

  constructor() {
    super('a recording was cut off while it was sent')
    // Servers print it for each of what may be hundreds of bodies, and where it was cut says nothing.
    this.stack = `${this.name}: ${this.message}`
  }
}

/**
 * Streams `length` bytes, and reads only what the consumer asks for. Every chunk passes through JavaScript, so that how
 * much was taken is known, and the stream can be cut.
 */
export function countedBody(
  length: number,
  source: ChunkSource,
): Required<Pick<OpenedPart, 'body' | 'taken' | 'cut'>> {
  let at = 0
  let isOver = false
  let fail: (error: Error) => void = () => {}
  const { promise: taken, resolve } = Promise.withResolvers<number>()
  const end = () => {
    isOver = true
    source.release(at)
    resolve(at)
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = error => controller.error(error)
      },
      async pull(controller) {
        try {
          const chunk = await source.read(at)
          if (isOver) return
          controller.enqueue(chunk)
          at += chunk.length
        } catch (error) {
          if (!isOver) end()
          throw error
        }
        if (at < length) return
        end()
        controller.close()
      },
      cancel: end,
    },
    // Without reading ahead, a client that takes nothing costs no memory.
    { highWaterMark: 0 },
  )
  const cut = () => {
    if (isOver) return
    end()
    fail(new BodyCut())
  }
  return { body, taken, cut }
}
