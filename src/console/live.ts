import { logFault, NOT_SHOWN } from '../base/storage-fault.ts'
import { responseHeaders } from '../http/response-headers.ts'
import type { Ledger, LedgerQuery, ReadEntry } from '../ledger/ledger.ts'

/** What a stream of records takes. */
export interface LiveStream {
  readonly ledger: Ledger
  /** What to send, and where to begin. */
  readonly query: LedgerQuery
  /** Returns the JSON that the caller may see of an entry; undefined if it may see nothing. */
  readonly show: (entry: ReadEntry) => string | undefined
  /** Resolves to whether the caller may go on reading. */
  readonly isAllowed: () => Promise<boolean>
  readonly now: () => number
}

/** How often the log is read at most, in milliseconds. What comes meanwhile goes together. */
const PACE = 200
/** After so long without a record, a comment keeps the connection open, in milliseconds. */
const KEEP_ALIVE = 10_000
/** Most records that are read at once: a reader that is slow has no more than these waiting for it. */
const PAGE = 100

/**
 * Sends records as server-sent events (HTML 9.2), as they get their indexes. The id of an event is the record's index, from
 * which a client goes on. The next page is read when the client took the one before, so a slow one holds up nothing. The
 * stream ends when the caller may read no more: it is looked at every ten seconds.
 */
export function liveResponse(stream: LiveStream): Response {
  const live = new Live(stream)
  const body = new ReadableStream<Uint8Array>(
    {
      start: controller => controller.enqueue(encoder.encode('retry: 2000\n\n')),
      pull: async controller => {
        const chunk = await live.next()
        if (chunk === undefined) controller.close()
        else controller.enqueue(encoder.encode(chunk))
      },
      cancel: () => live.end(),
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: responseHeaders({ 'Content-Type': 'text/event-stream' }) })
}

const encoder = new TextEncoder()

class Live {
  readonly #stream: LiveStream
  #query: LedgerQuery
  #readAt = Number.NEGATIVE_INFINITY
  #checkedAt: number
  #isOver = false

  constructor(stream: LiveStream) {
    this.#stream = stream
    this.#query = { ...stream.query, limit: PAGE }
    this.#checkedAt = stream.now()
  }

  end(): void {
    this.#isOver = true
  }

  /** Resolves to the next events, or to a comment after a while; to undefined at the end of the stream. */
  async next(): Promise<string | undefined> {
    const { ledger, show, isAllowed, now } = this.#stream
    try {
      for (const begun = now(); !this.#isOver; ) {
        if (now() - this.#checkedAt >= KEEP_ALIVE) {
          if (!(await isAllowed())) return undefined
          this.#checkedAt = now()
        }
        await new Promise(resolve => setTimeout(resolve, this.#readAt + PACE - now()))
        this.#readAt = now()
        const { from: _, ...query } = this.#query
        const { entries, cursor, more } = await ledger.read(this.#query)
        this.#query = { ...query, after: cursor }
        const events = entries.flatMap(entry => {
          const json = show(entry)
          return json === undefined ? [] : `id: ${entry.index}\ndata: ${json}\n\n`
        })
        if (events.length > 0) return events.join('')
        const left = begun + KEEP_ALIVE - now()
        if (left <= 0) return ':\n\n'
        if (!more) await ledger.waitAfter(cursor, left)
      }
    } catch (error) {
      // The client comes again and goes on from the last event that it has.
      logFault('a stream of records ended', error, NOT_SHOWN)
    }
    return undefined
  }
}
