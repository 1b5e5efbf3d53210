import { type AppendOutcome, type LedgerEntry, QUERY_FIELDS } from '../../ledger/ledger.ts'
import { columnsOf } from './event-columns.ts'
import { type EventRow, EventSearch, type Span, type TableQuery } from './event-search.ts'
import { Renumbering } from './renumbering.ts'
import type { Sql } from './sql.ts'

/** An entry with its place in the table: 0, 1, 2 and so on without a gap. */
export interface TableEntry extends LedgerEntry {
  readonly index: number
}

/** Some entries of one table, in the order of their places. */
export interface TablePage {
  readonly entries: readonly TableEntry[]
  /** Where to read on after the page. */
  readonly cursor: number
  /** Where to read on after one of its entries is so much more than the entry's index. */
  readonly offset: number
  /** As on a page of the ledger. */
  readonly more: boolean
}

/** Most candidates of a query that are looked at together. */
const STEP = 100
/** Most candidates that one call looks at: it must not hold up the writer, nor Node's event loop, for over 20 ms. */
const MAX_EXAMINED = 5_000
/** A page of so many characters takes no more steps. A Durable Object can't send 32 MiB. */
const FULL_PAGE = 4 * 2 ** 20

const COLUMNS = ['leaf', 'id', 'recorded', 'reached', 'kind', ...QUERY_FIELDS, 'json']
const INSERT = `INSERT INTO event (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (id) DO NOTHING RETURNING leaf`

/**
 * The log as tables of SQLite, the same in a Durable Object and in a file. The caller is its only writer.
 *
 * A Durable Object is billed by rows written, and each index is a row. A record is one row, one more for its id, one for
 * its kind, one for each of subject, owner, recording, release and reason that it has, and one for each tenant that it
 * is of: eight for a patient's refusal at another one's recording in a deployment without tenants, four or five for an
 * anonymous one. Finding records by time takes no index: `reached` never falls from one leaf to the next, and leaves have
 * no gaps, so the first leaf of a time is found by halving.
 */
export class EventTable {
  readonly #sql: Sql
  readonly #renumbering: Renumbering

  constructor(sql: Sql) {
    this.#sql = sql
    // The JSON comes last, as it may be long: a column behind it would cost reading all of it. `reached` is the latest
    // `recorded` so far.
    sql(`CREATE TABLE IF NOT EXISTS event (
      leaf INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, recorded INTEGER NOT NULL, reached INTEGER NOT NULL,
      kind TEXT NOT NULL, ${QUERY_FIELDS.map(name => `${name} TEXT`).join(', ')}, json TEXT NOT NULL) STRICT`)
    sql('CREATE INDEX IF NOT EXISTS event_kind ON event (kind)')
    for (const name of QUERY_FIELDS) {
      sql(`CREATE INDEX IF NOT EXISTS event_${name} ON event (${name}) WHERE ${name} IS NOT NULL`)
    }
    sql(`CREATE TABLE IF NOT EXISTS event_tenant (
      tenant TEXT NOT NULL, kind TEXT NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY (tenant, kind, leaf)
    ) STRICT, WITHOUT ROWID`)
    this.#renumbering = new Renumbering(sql)
  }

  /** How many entries there are, and the leaf of the next one. */
  get size(): number {
    return this.#end().size
  }

  /** Stores each entry once, however often it comes. To be called in a transaction. */
  append(entries: readonly LedgerEntry[]): AppendOutcome[] {
    let { size, reached } = this.#end()
    return entries.map(({ id, json }) => {
      const { recorded, kind, fields, tenants } = columnsOf(json)
      const latest = Math.max(reached, recorded)
      const values = [size, id, recorded, latest, kind, ...QUERY_FIELDS.map(name => fields[name]), json]
      if (this.#sql(INSERT, ...values).length === 0) return 'present'
      for (const tenant of tenants) {
        this.#sql('INSERT INTO event_tenant (tenant, kind, leaf) VALUES (?, ?, ?)', tenant, kind, size)
      }
      size += 1
      reached = latest
      return 'added'
    })
  }

  /** Reads entries after a cursor or, with `latest`, the last ones. Changes nothing. */
  read(query: TableQuery): TablePage {
    const { limit, latest = false } = query
    const { size } = this.#end()
    const { offset } = this.#renumbering
    const since = query.since === undefined ? undefined : Date.parse(query.since)
    const start = this.#renumbering.leafAfter(query.after)
    const search = new EventSearch(this.#sql, query, since)
    const rows: EventRow[] = []
    let span: Span = { from: Math.max(start, since === undefined ? 0 : this.#firstOf(since, size)), to: size }
    let [examined, characters, goesOn] = [0, 0, true]
    while (goesOn && rows.length < limit && examined < MAX_EXAMINED && characters < FULL_PAGE) {
      const step = search.isFiltered ? STEP : Math.min(STEP, limit - rows.length)
      const candidates = search.candidates(span, step)
      const found = search.rows(candidates).slice(0, limit - rows.length)
      rows.push(...found)
      examined += candidates.length
      characters += found.reduce((sum, { json }) => sum + json.length, 0)
      goesOn = candidates.length === step
      const last = (rows.length === limit ? found.at(-1)?.leaf : candidates.at(-1)) ?? size
      span = latest ? { ...span, to: last } : { ...span, from: last + 1 }
    }
    const more = latest ? goesOn && rows.length < limit : goesOn || rows.length === limit
    return {
      entries: (latest ? rows.toReversed() : rows).map(({ leaf, id, json }) => ({ id, json, index: leaf })),
      cursor: more && !latest ? offset + span.from : endOf(Math.max(start, size), offset),
      offset: offset + 1,
      more,
    }
  }

  #end(): { readonly size: number; readonly reached: number } {
    const [last] = this.#sql<{ leaf: number; reached: number }>(
      'SELECT leaf, reached FROM event ORDER BY leaf DESC LIMIT 1',
    )
    return last === undefined ? { size: 0, reached: 0 } : { size: last.leaf + 1, reached: last.reached }
  }

  /** Finds the first leaf that was recorded at a time or later; the size if there is none. */
  #firstOf(time: number, size: number): number {
    let [low, high] = [0, size]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [row] = this.#sql<{ reached: number }>('SELECT reached FROM event WHERE leaf = ?', middle)
      if (row !== undefined && row.reached >= time) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Of a log without entries the end is where each reader begins. */
const endOf = (leaf: number, offset: number): number => (leaf === 0 ? 0 : offset + leaf)
