import type { CountQuery, LedgerEntry, ReadEntry, RecordCount } from '../../ledger/ledger.ts'
import type { Look, Span } from '../../ledger/query/span.ts'
import type { TablePage, TableQuery } from '../../ledger/query/table-page.ts'
import {
  type AskedField,
  fieldsAsked,
  isWanted,
  parseEvent,
  recordedAt,
  type Times,
  timesOf,
} from '../../ledger/query/terms.ts'
import { EventCounts } from './event-counts.ts'
import { allIn, BLOCK, type Candidate, EventIndex, type PlacedEvent } from './event-index.ts'
import { EventTimes } from './event-times.ts'
import { portions } from './portions.ts'
import type { Sql } from './sql.ts'

/** What the cursors of a table are. */
export interface Numbering {
  /** What a cursor is above the last place read. */
  readonly offset: number
  /** Returns the last place that a cursor says was read; 0 if none was. */
  readAt(cursor: number): number
}

/** Of a table that was never moved from an older version, the last place read. */
const PLAIN: Numbering = { offset: 0, readAt: cursor => cursor }

/** An entry with its place in the table: 1, 2, 3 and so on without a gap. Its index in the log is one less. */
interface Row extends LedgerEntry {
  readonly place: number
}

/** Most records that are looked at together. */
const STEP = 100
/** Most records that one call looks at: it must not hold up a Durable Object, the only writer, for over 20 ms. */
const MAX_EXAMINED = 1_200
/** Most characters of entries that are stored in one statement. */
const FULL_PORTION = 256 * 1024
/** A page of so many characters takes no further step. A Durable Object can't send 32 MiB. */
const FULL_PAGE = 4 * 2 ** 20

/**
 * The log as tables of SQLite, the same in a Durable Object and in a file. The caller is its only writer.
 *
 * Entering a record into the indexes at once would dirty a page of the database for each term, and make a single append
 * three times as long. So the append that completes a block enters all of it. The newest records, fewer than a block, are
 * always looked at one by one.
 *
 * A Durable Object is billed by rows written. A record is one row, and one more for its id. Each block has a row for each
 * term that one of its records is found by: their kinds, reasons, releases and tenants, which they share, and their
 * subjects, owners and recordings, which most do not. Finding records by time takes a few rows for each block.
 */
export class EventTable {
  readonly #sql: Sql
  readonly #index: EventIndex
  readonly #times: EventTimes
  readonly #counts: EventCounts
  readonly #numbering: Numbering

  constructor(sql: Sql, numbering: Numbering = PLAIN) {
    this.#sql = sql
    sql(
      'CREATE TABLE IF NOT EXISTS event (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT',
    )
    this.#index = new EventIndex(sql)
    this.#times = new EventTimes(sql)
    this.#counts = new EventCounts(sql)
    this.#numbering = numbering
  }

  /** The place of the last entry: how many there are, those that were pruned included. */
  get size(): number {
    return this.#sql<{ last: number | null }>('SELECT max(place) AS last FROM event')[0]?.last ?? 0
  }

  /** The place of the first entry that was not pruned. */
  get first(): number {
    return this.#sql<{ first: number | null }>('SELECT min(place) AS first FROM event')[0]?.first ?? 1
  }

  /** The cursor of the end. */
  get end(): number {
    return this.cursorAt(this.size)
  }

  /** Returns the place at which a query begins: of the oldest first, how much was read; of the newest first, how much was not. */
  startOf({ after, from = 0, order }: Pick<TableQuery, 'after' | 'from' | 'order'>): number {
    if (after !== undefined) return this.placeAt(after)
    return order === 'newest' ? this.size : from
  }

  /** Returns the cursor after a place. */
  cursorAt(place: number): number {
    return place === 0 ? 0 : this.#numbering.offset + place
  }

  /** Returns the place that a cursor is after. */
  placeAt(cursor: number): number {
    return this.#numbering.readAt(cursor)
  }

  /** Returns whether there is an entry with an id. */
  has(id: string): boolean {
    return this.#sql('SELECT 1 FROM event WHERE id = ?', id).length > 0
  }

  /** Stores each entry once, however often it comes. Returns those that were new. To be called in a transaction. */
  append(entries: readonly LedgerEntry[]): readonly ReadEntry[] {
    const { size } = this
    const entered = wholeBlocks(size)
    for (const some of portions(entries, FULL_PORTION)) {
      // SQLite gives a new row the number after the highest one. ON CONFLICT after a SELECT needs its WHERE.
      this.#sql(
        `INSERT INTO event (id, json) SELECT value ->> 'id', value ->> 'json' FROM json_each(?) WHERE true ORDER BY key
          ON CONFLICT (id) DO NOTHING`,
        JSON.stringify(some),
      )
    }
    // Block by block: what 64 inboxes hand over after an outage is a quarter of the memory of a Durable Object.
    const end = this.size
    const whole = wholeBlocks(end)
    for (let after = entered; after < whole; after += BLOCK) this.enter(after, after + BLOCK)
    if (end - size < entries.length) return this.between(size, end)
    return entries.map(({ id, json }, i) => ({ id, json, index: size + i }))
  }

  /** Returns the entries from an index up to another, which is not one of them. */
  between(from: number, to: number): readonly ReadEntry[] {
    return this.#sql<ReadEntry>(
      'SELECT place - 1 AS "index", id, json FROM event WHERE place > ? AND place <= ? ORDER BY place',
      ...[from, to],
    )
  }

  /** Returns the first place at which a record may be that was made at a time or later, in milliseconds since 1970. */
  firstSince(time: number): number {
    const { size } = this
    return this.#madeWithin({ since: time, until: Number.POSITIVE_INFINITY }, wholeBlocks(size)).from
  }

  /**
   * Removes the first entries, whole blocks of them, none after a place, and what leads to them. To be called in a transaction.
   *
   * The newest ones stay: some are not entered yet, and the last place says which one is next.
   *
   * @param limit most entries, those of one block at least
   * @returns whether there is more to remove
   */
  prune(to: number, limit: number): boolean {
    const { first, size } = this
    const most = wholeBlocks(Math.min(to, size - BLOCK))
    const last = Math.min(most, wholeBlocks(first - 1 + limit))
    if (last < first) return false
    this.#index.remove(this.#eventsIn(first - 1, last))
    this.#sql('DELETE FROM event WHERE place <= ?', last)
    // Of several, so that one with a wrong time has no say.
    const times = this.#eventsIn(last, last + BLOCK).map(({ event }) => recordedAt(event))
    const hour = this.#counts.forgetMinutes(Math.min(...times))
    if (hour !== undefined) this.#times.remove(hour, last)
    return last < most
  }

  /** Counts records. Changes nothing. */
  count(query: CountQuery): readonly RecordCount[] {
    const { size } = this
    const newest = this.#eventsIn(size - (size % BLOCK), size)
    return this.#counts.read(
      query,
      newest.map(({ event }) => event),
    )
  }

  /** Reads entries. Changes nothing. */
  read(query: TableQuery): TablePage {
    const steps = this.readInSteps(query)
    let step = steps.next()
    while (!step.done) step = steps.next()
    return step.value
  }

  /** Reads as `read` does, and yields after every few records, so that a process can do other work in between. */
  *readInSteps(asked: TableQuery): Generator<undefined, TablePage> {
    const { after: _, from: __, limit, order, ...query } = asked
    const { first, size } = this
    const isNewestFirst = order === 'newest'
    const times = timesOf(query)
    const start = this.startOf(asked)
    let span: Span = isNewestFirst
      ? { from: first, to: Math.min(start, size) + 1 }
      : { from: Math.max(start + 1, first), to: size + 1 }
    // Appends that come between two steps may enter more.
    const entered = size - (size % BLOCK)
    const made = this.#madeWithin(times, entered)
    const fields = fieldsAsked(query)
    const indexed = this.#index.bySelectivity(fields, made)
    const rows: Row[] = []
    let [examined, characters, goesOn] = [0, 0, true]
    while (goesOn && rows.length < limit && examined < MAX_EXAMINED && characters < FULL_PAGE) {
      const candidates = this.#candidates(indexed, { ...span, limit: STEP, isNewestFirst }, made, entered)
      const places = candidates.filter(({ mayMatch }) => mayMatch).map(({ place }) => place)
      const found = this.#rows(places, json => isWanted(json, query, fields)).slice(0, limit - rows.length)
      rows.push(...found)
      examined += candidates.length
      characters += found.reduce((sum, { json }) => sum + json.length, 0)
      goesOn = candidates.length === STEP
      const last = rows.length === limit ? found.at(-1)?.place : candidates.at(-1)?.place
      if (last !== undefined) span = isNewestFirst ? { ...span, to: last } : { ...span, from: last + 1 }
      yield
    }
    const more = goesOn || rows.length === limit
    const readTo = isNewestFirst
      ? more
        ? span.to - 1
        : Math.min(start, first - 1)
      : more
        ? span.from - 1
        : Math.max(start, size)
    return {
      entries: rows.map(({ id, json, place }) => ({ id, json, index: place - 1 })),
      cursor: this.cursorAt(readTo),
      end: this.cursorAt(size),
      more,
    }
  }

  /** Enters the records of whole blocks, after a place up to another, into the indexes. Those of an earlier version call it. */
  enter(after: number, last: number): void {
    const records = this.#eventsIn(after, last)
    this.#index.enter(records)
    this.#times.enter(records.map(({ place, event }) => ({ place, recorded: recordedAt(event) })))
    this.#counts.enter(records.map(({ event }) => event))
  }

  #eventsIn(after: number, last: number): PlacedEvent[] {
    const rows = this.#sql<{ place: number; json: string }>(
      'SELECT place, json FROM event WHERE place > ? AND place <= ?',
      ...[after, last],
    )
    return rows.map(({ place, json }) => ({ place, event: parseEvent(json) }))
  }

  /** Returns the entered places at which records may be that were made between two times. */
  #madeWithin({ since, until }: Times, entered: number): Span {
    const first = since === 0 ? 1 : (this.#times.firstSince(since) ?? entered + 1)
    const last = until === Number.POSITIVE_INFINITY ? entered : (this.#times.lastBefore(until) ?? 0)
    return { from: first, to: Math.max(first, last + 1) }
  }

  /**
   * Returns the places to look at next: those that the indexes lead to, and the newest ones, which were not entered when the
   * read began.
   */
  #candidates(asked: readonly AskedField[], look: Look, made: Span, entered: number): Candidate[] {
    const { from, to, limit, isNewestFirst } = look
    const indexed = { ...look, from: Math.max(from, made.from), to: Math.min(to, made.to) }
    const newest = allIn({ ...look, from: Math.max(from, entered + 1) })
    if (!isNewestFirst) return [...this.#index.candidates(asked, indexed), ...newest].slice(0, limit)
    return [...newest, ...this.#index.candidates(asked, { ...indexed, limit: limit - newest.length })]
  }

  /** Returns those records at some places that are wanted, in the order of the places. */
  #rows(places: readonly number[], isWanted: (json: string) => boolean): Row[] {
    if (places.length === 0) return []
    const order = new Map(places.map((place, i) => [place, i]))
    return this.#sql<Row>(
      'SELECT place, id, json FROM (SELECT value AS place FROM json_each(?)) CROSS JOIN event USING (place)',
      JSON.stringify(places),
    )
      .filter(({ json }) => isWanted(json))
      .sort((a, b) => (order.get(a.place) ?? 0) - (order.get(b.place) ?? 0))
  }
}

/** Returns the last place of the whole blocks up to a place. */
const wholeBlocks = (place: number): number => place - (place % BLOCK)
