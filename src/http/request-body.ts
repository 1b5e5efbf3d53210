/** How long the gate waits for the body of a request, in milliseconds. */
export interface BodyTimeouts {
  /** For the whole of a JSON body. Default 10,000. */
  readonly json?: number
  /** For the next byte of an upload; the whole may take as long as it needs. Default 60,000. */
  readonly upload?: number
}

/** Most bytes that are read at once. */
const CHUNK = 64 * 1024

/**
 * The body of a request, chunk by chunk as its reader asks for it, to be read once. Reading fails when the client takes
 * too long, or a client could hold a connection, and all that is kept for it, for as long as it likes. A reader that
 * takes long between two chunks makes nothing fail.
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

  /** A body that must come whole within `timeout` milliseconds. */
  static within(timeout: number, stream: ReadableStream<Uint8Array> | null): RequestBody {
    return new RequestBody(stream, timeout, true)
  }

  /** A body that may take any time, but not `timeout` milliseconds without a byte. */
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
      // Ends the read that waits.
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

/**
 * Copies chunks into one array.
 *
 * @param size of all of them, in bytes
 */
export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.length
  }
  return bytes
}

interface Reader {
  /** Resolves to undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  cancel(): void
}

function readerOf(stream: ReadableStream<Uint8Array>): Reader {
  return byteReaderOf(stream) ?? chunkReaderOf(stream)
}

/** On Workers a chunk has 4 KiB, unless its reader brings an array: then it has all that came. Each costs a turn. */
function byteReaderOf(stream: ReadableStream<Uint8Array>): Reader | undefined {
  try {
    const reader = stream.getReader({ mode: 'byob' })
    return {
      read: async () => {
        const { done, value } = await reader.read(new Uint8Array(CHUNK))
        if (done) return undefined
        // Collectors keep chunks: a client that sends byte by byte would make each of them keep a whole array.
        return value.length < CHUNK / 2 ? value.slice() : value
      },
      cancel: () => void reader.cancel().catch(() => {}),
    }
  } catch {
    return undefined
  }
}

/** For streams that fill no array, such as those of Node's server. */
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
