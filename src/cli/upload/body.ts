import type { Meter } from './meter.ts'
import { bytesOf, type Stretch } from './read.ts'

/** Bytes of a file, with their SHA-256, base64. */
export interface Bytes {
  readonly stretch: Stretch
  readonly sha256: string
}

/** Bytes on their way to the gate, once, and counted. */
export class Body {
  readonly #bytes: Bytes
  readonly #meter: Meter
  #sent = 0
  #counts = true
  /** Why they could not be read to their end. */
  fault: unknown

  constructor(bytes: Bytes, meter: Meter) {
    this.#bytes = bytes
    this.#meter = meter
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const chunks = this.#read()
    return new ReadableStream({
      pull: async controller => {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => {
        await chunks.return(undefined)
      },
    })
  }

  async *#read(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for await (const chunk of bytesOf(this.#bytes.stretch, this.#bytes.sha256)) {
        yield chunk
        if (!this.#counts) continue
        this.#sent += chunk.length
        this.#meter.add(chunk.length)
      }
    } catch (error) {
      this.fault = error
      throw error
    }
  }

  /** They were not taken: they don't count. */
  takeBack(): void {
    if (this.#counts) this.#meter.add(-this.#sent)
    this.#counts = false
  }
}
