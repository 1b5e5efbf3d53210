import type { ArchiveReader } from '../../archive/archive-reader.ts'
import type { Span } from '../../ledger/query/span.ts'
import type { EventTable, TablePage, TableQuery } from './event-table.ts'

/** The whole log as readers see it: the live table, and the archive before that. Each page is of one of the two. */
export class KeptLog {
  readonly #events: EventTable
  readonly #archive: ArchiveReader
  readonly #live: (query: TableQuery) => Promise<TablePage>

  /** @param live reads the live table. It may let other work go on in between, such as pruning */
  constructor(
    events: EventTable,
    archive: ArchiveReader,
    live: (query: TableQuery) => Promise<TablePage> = async query => events.read(query),
  ) {
    this.#events = events
    this.#archive = archive
    this.#live = live
  }

  /** How many entries there are. */
  get size(): number {
    return this.#events.size
  }

  /**
   * Reads entries. Changes nothing.
   *
   * @throws StorageFault if the page is in the archive, and the archive can't be read
   */
  async read(query: TableQuery): Promise<TablePage> {
    for (;;) {
      const { first } = this.#events
      const start = this.#events.startOf(query)
      const page = await (query.order === 'newest' ? this.#newest(query, start) : this.#oldest(query, start))
      // What was pruned meanwhile may be missing on the page. It is in the archive now.
      const lowest = query.order === 'newest' ? this.#events.placeAt(page.cursor) : start
      if (page.archived || this.#events.first === first || this.#events.first <= lowest + 1) return page
    }
  }

  async #oldest(query: TableQuery, start: number): Promise<TablePage> {
    const border = this.#events.first - 1
    if (start >= border) return this.#live(query)
    const { entries, rest } = await this.#archived(query, { from: start, to: border })
    const isOver = rest.from === rest.to
    if (!isOver || entries.length > 0) return this.#page(entries, isOver ? border : rest.from, true)
    const { after: _, ...others } = query
    return this.#live({ ...others, from: border })
  }

  async #newest(query: TableQuery, start: number): Promise<TablePage> {
    const border = this.#events.first - 1
    if (start <= border && border > 0) {
      const { entries, rest } = await this.#archived(query, { from: 0, to: start })
      return this.#page(entries, rest.to, rest.from < rest.to)
    }
    const page = await this.#live(query)
    if (page.more) return page
    const hasMore = this.#archive.mayHave({ query, from: 0, to: border, isNewestFirst: true })
    return { ...page, more: hasMore }
  }

  #archived(query: TableQuery, span: Span) {
    return this.#archive.read({
      ...{ ...span, query, limit: query.limit },
      isNewestFirst: query.order === 'newest',
    })
  }

  #page(entries: TablePage['entries'], position: number, more: boolean): TablePage {
    const { end } = this.#events
    return { entries, cursor: this.#events.cursorAt(position), end, more, archived: true }
  }
}
