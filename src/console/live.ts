import { logFault, NOT_SHOWN } from '../base/storage-fault.ts'
import { responseHeaders } from '../http/response-headers.ts'
import type { Ledger, LedgerQuery, ReadEntry } from '../ledger/ledger.ts'

/** What a stream of records takes. */
export interface LiveStream {
  readonly ledger: Ledger
  /** What to send, and where to begin. */
  readonly query: LedgerQuery
  /** Index of the last record before the stream. A client that gets no record goes on after it. Undefined if unknown. */
  readonly last?: number | undefined
  /** Returns the JSON that the caller may see of an entry; undefined if it may see nothing. */
  readonly show: (entry: ReadEntry) => string | undefined
  /** Resolves when so many records may be sent: it is on record that the caller reads them, or will be with later ones. */
  readonly count: (records: number) => Promise<void>
  /** Resolves to whether the caller may go on reading. */
  readonly isAllowed: () => Promise<boolean>
  readonly now: () => number
}

/** How often the end of the log is read at most, in milliseconds. What comes meanwhile goes together. */
const PACE = 200
/** After so long without a record, a comment keeps the connection open, in milliseconds. */
const KEEP_ALIVE = 10_000
/** Most records that are read at once: a reader that is slow has no more than these waiting for it. */
const PAGE = 100
/** Reads of a stream. Workers allow 10,000 calls of Durable Objects a request, and a read with its wait is two. */
const MAX_READS = 4_000

/** The streams of records that a gate sends. */
export class LiveStreams {
  // Weak, as Workers drop the stream of a client that has left, and say nothing of it.
  readonly #streams = new Set<WeakRef<Live>>()
  #isOver = false

  /**
   * Sends records as server-sent events (HTML 9.2), as they get their indexes. The id of an event is the record's index,
   * from which a client goes on. The next page is read when the client took the one before, so a slow one holds up nothing.
   * The stream ends when the caller may read no more: it is looked at every ten seconds. It also ends after so many reads that
   * the platform would break it off. Its client comes again.
   */
  open(stream: LiveStream): Response {
    const live = new Live(stream)
    for (const one of this.#streams) if (one.deref()?.isOver !== false) this.#streams.delete(one)
    this.#streams.add(new WeakRef(live))
    if (this.#isOver) live.end()
    return new Response(live.body, { headers: responseHeaders({ 'Content-Type': 'text/event-stream' }) })
  }

  /** Ends all streams, and each later one at once, as no process can end before them. Their clients come again. */
  end(): void {
    this.#isOver = true
    for (const one of this.#streams) one.deref()?.end()
  }
}

const encoder = new TextEncoder()

class Live {
  readonly body: ReadableStream<Uint8Array>
  readonly #stream: LiveStream
  #query: LedgerQuery
  #more = true
  #reads = 0
  #readAt = Number.NEGATIVE_INFINITY
  #checkedAt: number
  #isOver = false
  #end = () => {}
  #wake = () => {}

  constructor(stream: LiveStream) {
    const { query, last, now } = stream
    this.#stream = stream
    this.#query = { ...query, limit: PAGE }
    this.#checkedAt = now()
    this.body = new ReadableStream(
      {
        start: controller => {
          this.#end = () => controller.close()
          controller.enqueue(encoder.encode(`retry: 2000\n${last === undefined ? '' : `id: ${last}\n`}\n`))
        },
        pull: async controller => {
          const events = await this.#next()
          if (events === undefined) this.end()
          else if (!this.#isOver) controller.enqueue(encoder.encode(events))
        },
        cancel: () => {
          this.#isOver = true
          this.#wake()
        },
      },
      { highWaterMark: 0 },
    )
  }

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#end()
    this.#wake()
  }

  /** Resolves to the next events, or to a comment after a while; to undefined at the end of the stream. */
  async #next(): Promise<string | undefined> {
    const { ledger, show, count, isAllowed, now } = this.#stream
    try {
      for (const begun = now(); !this.#isOver && this.#reads < MAX_READS; ) {
        if (now() - this.#checkedAt >= KEEP_ALIVE) {
          if (!(await isAllowed())) return undefined
          this.#checkedAt = now()
        }
        if (!this.#more)
          await new Promise(resolve => setTimeout(resolve, Math.max(0, this.#readAt + PACE - now())))
        this.#readAt = now()
        this.#reads += 1
        const { from: _, ...query } = this.#query
        const { entries, cursor, more } = await ledger.read(this.#query)
        this.#query = { ...query, after: cursor }
        this.#more = more
        const events = entries.flatMap(entry => {
          const json = show(entry)
          return json === undefined ? [] : `id: ${entry.index}\ndata: ${json}\n\n`
        })
        if (events.length > 0) {
          await count(events.length)
          return events.join('')
        }
        const left = begun + KEEP_ALIVE - now()
        if (left <= 0) return ':\n\n'
        if (!more) await this.#arrival(cursor, left)
      }
    } catch (error) {
      // The client comes again and goes on from the last event that it has.
      logFault('a stream of records ended', error, NOT_SHOWN)
    }
    return undefined
  }

  /** Resolves when something may be stored after a cursor, after so many milliseconds, or at the end of the stream. */
  #arrival(cursor: string, milliseconds: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#wake = resolve
    this.#stream.ledger.waitAfter(cursor, milliseconds).then(resolve, reject)
    return promise
  }
}
