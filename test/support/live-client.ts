import { createParser } from 'eventsource-parser'

/** A record as a stream sends it. */
export interface LiveEvent {
  /** Its index in the log. */
  readonly index: number
  /** When it came, on the clock of `performance.now`. */
  readonly at: number
  readonly record: {
    readonly id: string
    readonly kind: string
    readonly t: string
    readonly recorded?: string
  }
}

/** A client of the log's stream. */
export class LiveClient {
  readonly events: LiveEvent[] = []
  /** The index after which another stream goes on, as a browser keeps it: also before the first event. */
  last: number | undefined
  readonly #abort = new AbortController()
  #wantsToRead = Promise.withResolvers<void>()
  readonly #over: Promise<void>

  private constructor(body: ReadableStream<Uint8Array>, isPaused: boolean) {
    if (!isPaused) this.resume()
    this.#over = this.#read(body).catch(() => {})
  }

  /** Opens a stream, and resolves once the gate answers. A paused one takes nothing off the connection until it is resumed. */
  static async open(
    url: string,
    headers: Record<string, string>,
    { last, isPaused = false }: { readonly last?: number | undefined; readonly isPaused?: boolean } = {},
  ): Promise<LiveClient> {
    const abort = new AbortController()
    const response = await fetch(url, {
      headers: {
        ...headers,
        Accept: 'text/event-stream',
        ...(last !== undefined && { 'Last-Event-ID': `${last}` }),
      },
      signal: abort.signal,
    })
    if (response.headers.get('content-type') !== 'text/event-stream' || response.body === null) {
      throw new Error(`no stream, but ${response.status}: ${await response.text()}`)
    }
    const client = new LiveClient(response.body, isPaused)
    client.#abort.signal.addEventListener('abort', () => abort.abort())
    return client
  }

  /** Resolves when the stream has ended, however it did. */
  get over(): Promise<void> {
    return this.#over
  }

  get ids(): readonly string[] {
    return this.events.map(({ record }) => record.id)
  }

  resume(): void {
    this.#wantsToRead.resolve()
  }

  close(): Promise<void> {
    this.resume()
    this.#abort.abort()
    return this.#over
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = createParser({
      onId: id => {
        this.last = Number(id)
      },
      onEvent: ({ id, data }) =>
        this.events.push({ index: Number(id), at: performance.now(), record: JSON.parse(data) }),
    })
    const decoder = new TextDecoder()
    // Node cancels a body that has no reader once its response is garbage.
    const reader = body.getReader()
    await this.#wantsToRead.promise
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      parser.feed(decoder.decode(chunk.value, { stream: true }))
    }
  }
}
