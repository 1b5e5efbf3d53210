/** How long the gate waits for the body of a request, in milliseconds. */
export interface BodyTimeouts {
  /** For the whole of a JSON body. Default 10,000. */
  readonly json?: number
  /** For the next byte of an upload. The whole may take as long as it needs. Default 60,000. */
  readonly upload?: number
}

/** Most bytes that are read at once. */
const READ_SIZE = 64 * 1024

/**
 * Reads the body of a request once, chunk by chunk, as fast as its reader asks for more. Reading fails if the client takes
 * too long; otherwise a client could occupy a connection, and what is kept for it, forever. The time that the reader takes
 * between two chunks of an upload doesn't count.
 */
export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #stream: ReadableStream<Uint8Array> | null
  readonly #timeout: number
  readonly #ofWhole: boolean
  #late = false

  private constructor(stream: ReadableStream<Uint8Array> | null, timeout: number, ofWhole: boolean) {
    this.#stream = stream
    this.#timeout = timeout
    this.#ofWhole = ofWhole
  }

  /** Creates a body that must be complete within `timeout` milliseconds. */
  static within(timeout: number, stream: ReadableStream<Uint8Array> | null): RequestBody {
    return new RequestBody(stream, timeout, true)
  }

  /** Creates a body that may take any time in all, but at most `timeout` milliseconds for its next byte. */
  static flowing(timeout: number, stream: ReadableStream<Uint8Array> | null): RequestBody {
    return new RequestBody(stream, timeout, false)
  }

  /** Whether reading failed because the client took too long. */
  get isLate(): boolean {
    return this.#late
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#stream === null) return
    const { read, cancel } = readerOf(this.#stream)
    const expire = () => {
      this.#late = true
      // Ends the pending read.
      cancel()
    }
    let timer = setTimeout(expire, this.#timeout)
    try {
      for (;;) {
        const chunk = await read()
        if (this.#late) throw new Error('the body took too long')
        if (chunk === undefined) return
        if (!this.#ofWhole) clearTimeout(timer)
        yield chunk
        if (!this.#ofWhole) timer = setTimeout(expire, this.#timeout)
      }
    } finally {
      clearTimeout(timer)
      cancel()
    }
  }
}

interface Reader {
  /** Resolves to undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  cancel(): void
}

function readerOf(stream: ReadableStream<Uint8Array>): Reader {
  return byteReaderOf(stream) ?? chunkReaderOf(stream)
}

/** On Workers a chunk has 4 KiB, unless its reader brings an array: then it has all that arrived. Each read costs time. */
function byteReaderOf(stream: ReadableStream<Uint8Array>): Reader | undefined {
  try {
    const reader = stream.getReader({ mode: 'byob' })
    return {
      read: async () => {
        const { done, value } = await reader.read(new Uint8Array(READ_SIZE))
        if (done) return undefined
        // Some readers keep their chunks. A client that sends byte by byte would make each chunk keep a whole array.
        return value.length < READ_SIZE / 2 ? value.slice() : value
      },
      cancel: () => void reader.cancel().catch(() => {}),
    }
  } catch {
    return undefined
  }
}

/** For streams that can't fill an array, such as those of Node's server. */
function chunkReaderOf(stream: ReadableStream<Uint8Array>): Reader {
  const reader = stream.getReader()
  return {
    read: async () => {
      const { done, value } = await reader.read()
      return done ? undefined : value
    },
    cancel: () => void reader.cancel().catch(() => {}),
  }
}
