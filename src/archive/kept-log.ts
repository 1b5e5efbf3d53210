import type { Span } from '../ledger/query/span.ts'
import type { TablePage, TableQuery } from '../ledger/query/table-page.ts'
import type { ArchiveReader } from './archive-reader.ts'
import type { LiveBounds, LiveLog } from './live-log.ts'

/** The whole log as readers see it: the live log, and the archive before that. Each page is of one of the two. */
export class KeptLog {
  readonly #live: LiveLog
  readonly #archive: ArchiveReader

  constructor(live: LiveLog, archive: ArchiveReader) {
    this.#live = live
    this.#archive = archive
  }

  /**
   * Reads records. Changes nothing.
   *
   * @throws StorageFault if the page is in the archive, and the archive can't be read
   */
  async read(query: TableQuery): Promise<TablePage> {
    const isNewestFirst = query.order === 'newest'
    let bounds = await this.#live.bounds()
    for (;;) {
      const start = this.#startOf(query, bounds)
      const page = await (isNewestFirst
        ? this.#newest(query, start, bounds)
        : this.#oldest(query, start, bounds))
      if (page.archived) return page
      // What was pruned meanwhile may be missing on the page. It is in the archive now.
      const { first } = bounds
      const lowest = isNewestFirst ? this.#live.placeAt(page.cursor) : start
      bounds = await this.#live.bounds()
      if (bounds.first === first || bounds.first <= lowest) return page
    }
  }

  /** Returns the place at which a query begins: of the oldest first, how much was read; of the newest first, how much was not. */
  #startOf({ after, from = 0, order }: TableQuery, { end }: LiveBounds): number {
    if (after !== undefined) return this.#live.placeAt(after)
    return order === 'newest' ? end : from
  }

  async #oldest(query: TableQuery, start: number, bounds: LiveBounds): Promise<TablePage> {
    const border = bounds.first
    if (start >= border) return this.#live.read(query)
    const { entries, rest } = await this.#archived(query, { from: start, to: border })
    const isOver = rest.from === rest.to
    if (!isOver || entries.length > 0) return this.#page(entries, isOver ? border : rest.from, true, bounds)
    const { after: _, ...others } = query
    return this.#live.read({ ...others, from: border })
  }

  async #newest(query: TableQuery, start: number, bounds: LiveBounds): Promise<TablePage> {
    const border = bounds.first
    if (start <= border && border > 0) {
      const { entries, rest } = await this.#archived(query, { from: 0, to: start })
      return this.#page(entries, rest.to, rest.from < rest.to, bounds)
    }
    const page = await this.#live.read(query)
    if (page.more) return page
    // Not up to the border, which may be another one by now.
    const to = this.#live.placeAt(page.cursor)
    const hasMore = await this.#archive.mayHave({ query, from: 0, to, isNewestFirst: true })
    return { ...page, more: hasMore }
  }

  #archived(query: TableQuery, span: Span) {
    return this.#archive.read({
      ...{ ...span, query, limit: query.limit },
      isNewestFirst: query.order === 'newest',
    })
  }

  #page(entries: TablePage['entries'], place: number, more: boolean, { end }: LiveBounds): TablePage {
    const cursor = this.#live.cursorAt(place)
    return { entries, cursor, end: this.#live.cursorAt(end), more, archived: true }
  }
}
