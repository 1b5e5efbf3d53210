import type { AppendOutcome, LedgerEntry, LedgerQuery } from '../../ledger/ledger.ts'
import { BATCH, EventIndex, type Span } from './event-index.ts'
import { type AskedField, fieldsAsked, isAskedFor, parseEvent, recordedAt } from './event-terms.ts'
import { Renumbering } from './renumbering.ts'
import type { Sql } from './sql.ts'

/** What to read of one table. */
export interface TableQuery extends Omit<LedgerQuery, 'after'> {
  /** Where an earlier page of this table ended, or 0. */
  readonly after: number
}

/** An entry with its place in the table: 1, 2, 3 and so on without a gap. */
export interface TableEntry extends LedgerEntry {
  readonly place: number
}

/** Some entries of one table, in the order of their places. */
export interface TablePage {
  readonly entries: readonly TableEntry[]
  /** Where to read on after the page. */
  readonly cursor: number
  /** Where to read on after one of its entries is so much more than the entry's place. */
  readonly offset: number
  /** As on a page of the ledger. */
  readonly more: boolean
}

/** Most records that are looked at together. */
const STEP = 100
/** Most records that one call looks at: it must not hold up a Durable Object, the only writer, for over 20 ms. */
const MAX_EXAMINED = 1_200
/** A page of so many characters takes no further step. A Durable Object can't send 32 MiB. */
const FULL_PAGE = 4 * 2 ** 20

/**
 * The log as tables of SQLite, the same in a Durable Object and in a file. The caller is its only writer.
 *
 * A Durable Object is billed by rows written. A record is one row, one more for its id, and one for each term that it is
 * found by: its kind, each of subject, owner, recording, release and reason that it has, and each tenant that it is of.
 * These are eight for a patient's refusal at another one's recording in a deployment without tenants, and four or five for
 * an anonymous one. Finding records by time takes a row for each 64 records.
 */
export class EventTable {
  readonly #sql: Sql
  readonly #index: EventIndex
  readonly #renumbering: Renumbering

  constructor(sql: Sql) {
    this.#sql = sql
    sql(
      'CREATE TABLE IF NOT EXISTS event (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT',
    )
    this.#index = new EventIndex(sql)
    this.#renumbering = new Renumbering(sql)
  }

  /** How many entries there are. */
  get size(): number {
    return this.#sql<{ last: number | null }>('SELECT max(place) AS last FROM event')[0]?.last ?? 0
  }

  /** Stores each entry once, however often it comes. To be called in a transaction. */
  append(entries: readonly LedgerEntry[]): AppendOutcome[] {
    return entries.map(({ id, json }) => {
      // SQLite gives a new row the number after the highest one.
      const [stored] = this.#sql<{ place: number }>(
        'INSERT INTO event (id, json) VALUES (?, ?) ON CONFLICT (id) DO NOTHING RETURNING place',
        ...[id, json],
      )
      if (stored === undefined) return 'present'
      if (stored.place % BATCH === 0) this.#index.extend(stored.place)
      return 'added'
    })
  }

  /** Reads entries after a cursor or, with `latest`, the last ones. Changes nothing. */
  read(query: TableQuery): TablePage {
    const steps = this.readInSteps(query)
    let step = steps.next()
    while (!step.done) step = steps.next()
    return step.value
  }

  /** Reads as `read` does, and yields after every few records, so that a process can do other work in between. */
  *readInSteps(query: TableQuery): Generator<undefined, TablePage> {
    const { limit, latest = false } = query
    const { size } = this
    const { offset } = this.#renumbering
    const since = query.since === undefined ? undefined : Date.parse(query.since)
    const times = { since: since ?? 0, until: query.until === undefined ? Infinity : Date.parse(query.until) }
    const read = this.#renumbering.readAt(query.after)
    const asked = fieldsAsked(query)
    const rows: TableEntry[] = []
    const first = since === undefined ? 1 : this.#index.firstSince(since)
    let span: Span = { from: Math.max(read + 1, first), to: size + 1 }
    let [examined, characters, goesOn] = [0, 0, true]
    while (goesOn && rows.length < limit && examined < MAX_EXAMINED && characters < FULL_PAGE) {
      const candidates = this.#index.candidates(asked, { ...span, limit: STEP, latest })
      const places = candidates.filter(({ mayMatch }) => mayMatch).map(({ place }) => place)
      const found = this.#rows(places, asked, times).slice(0, limit - rows.length)
      rows.push(...found)
      examined += candidates.length
      characters += found.reduce((sum, { json }) => sum + json.length, 0)
      goesOn = candidates.length === STEP
      const last = (rows.length === limit ? found.at(-1)?.place : candidates.at(-1)?.place) ?? size
      span = latest ? { ...span, to: last } : { ...span, from: last + 1 }
      yield
    }
    const more = latest ? goesOn && rows.length < limit : goesOn || rows.length === limit
    const end = more && !latest ? span.from - 1 : Math.max(read, size)
    // A log without entries ends where each reader begins.
    return { entries: latest ? rows.toReversed() : rows, cursor: end === 0 ? 0 : offset + end, offset, more }
  }

  /** Returns those records at some places that are asked for, in the order of the places. */
  #rows(places: readonly number[], asked: readonly AskedField[], times: Times): TableEntry[] {
    if (places.length === 0) return []
    const order = new Map(places.map((place, i) => [place, i]))
    return this.#sql<TableEntry>(
      'SELECT place, id, json FROM (SELECT value AS place FROM json_each(?)) CROSS JOIN event USING (place)',
      JSON.stringify(places),
    )
      .filter(({ json }) => isWanted(json, asked, times))
      .sort((a, b) => (order.get(a.place) ?? 0) - (order.get(b.place) ?? 0))
  }
}

/** From when until when, in milliseconds since 1970. */
interface Times {
  readonly since: number
  readonly until: number
}

function isWanted(json: string, asked: readonly AskedField[], { since, until }: Times): boolean {
  // Parsing every record of the log would take most of the time of reading it.
  if (asked.length === 0 && since === 0 && until === Infinity) return true
  const event = parseEvent(json)
  const recorded = recordedAt(event)
  return isAskedFor(event, asked) && recorded >= since && recorded < until
}
