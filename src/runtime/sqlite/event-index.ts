import type { Look, Span } from '../../ledger/query/span.ts'
import { type AskedField, type FoundEvent, type Term, termsOf } from '../../ledger/query/terms.ts'
import type { Sql } from './sql.ts'

/** A place whose record a query may ask for. */
export interface Candidate {
  readonly place: number
  /** False if the index rules the record out. */
  readonly mayMatch: boolean
}

/** A record with its place. */
export interface PlacedEvent {
  readonly place: number
  readonly event: FoundEvent
}

/** So many places are a block: the first has the places 1 to 64. */
export const BLOCK = 64
/** So many blocks of each field are counted to find out which one is in the fewest. */
const PEEK = 200
/** So many blocks are read first, and twice as many each time after that. */
const FIRST_BLOCKS = 8

/** At which places of a block something is: a bit for each, the first 32 in `low`. SQLite and JavaScript share no type of 64. */
interface Places {
  readonly low: number
  readonly high: number
}

interface BlockRow extends Places {
  readonly block: number
}

/**
 * The index of the log: in which blocks a term occurs, and at which of their places. Leads to records, and decides nothing:
 * each record is matched by its JSON. So an error here can hide a record, never show a wrong one.
 *
 * A kind or a reason is in most records. By block it takes one row where it would take 64, to write and to read.
 */
export class EventIndex {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql(`CREATE TABLE IF NOT EXISTS event_term (
      field TEXT NOT NULL, value TEXT NOT NULL, block INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
      PRIMARY KEY (field, value, block)
    ) STRICT, WITHOUT ROWID`)
  }

  /** Enters the records of whole blocks. */
  enter(records: readonly PlacedEvent[]): void {
    for (const [block, placed] of Map.groupBy(records, ({ place }) => blockOf(place))) {
      this.#sql(
        `INSERT INTO event_term (field, value, block, low, high)
          SELECT value ->> 0, value ->> 1, ?, value ->> 2, value ->> 3 FROM json_each(?)`,
        ...[block, JSON.stringify(rowsOf(placed))],
      )
    }
  }

  /** Removes the records of whole blocks. */
  remove(records: readonly PlacedEvent[]): void {
    for (const [block, placed] of Map.groupBy(records, ({ place }) => blockOf(place))) {
      this.#sql(
        `DELETE FROM event_term WHERE (field, value, block) IN
          (SELECT value ->> 0, value ->> 1, ? FROM json_each(?))`,
        ...[block, JSON.stringify(rowsOf(placed))],
      )
    }
  }

  /**
   * Returns the fields that a query asks, the one that occurs in the fewest blocks first, each with those of its values that
   * occur in a span.
   */
  bySelectivity(asked: readonly AskedField[], span: Span): readonly AskedField[] {
    if (asked.length === 1 && asked[0]?.values.length === 1) return asked
    const counted = asked.map(({ field, values }) => {
      const found = values.map(value => ({ value, count: this.#count(field, value, span) }))
      const occurring = found.filter(({ count }) => count > 0)
      return {
        field,
        values: occurring.map(({ value }) => value),
        count: occurring.reduce((sum, { count }) => sum + count, 0),
      }
    })
    // Those that occur more often than is counted keep their order.
    return counted.toSorted((a, b) => a.count - b.count)
  }

  /**
   * Returns the places at which a query looks next, in the order of looking. Fewer than `limit` only if there are no more.
   *
   * @param asked the fields that a record must match, the first of which leads to the places
   */
  candidates([lead, ...others]: readonly AskedField[], look: Look): Candidate[] {
    return lead === undefined ? allIn(look) : this.#found(lead, others, look)
  }

  #found(lead: AskedField, others: readonly AskedField[], look: Look): Candidate[] {
    const { from, to, limit, isNewestFirst } = look
    const found: Candidate[] = []
    let span: Span = { from, to }
    for (let most = FIRST_BLOCKS; span.from < span.to && found.length < limit; most *= 2) {
      const blocks = this.#blocksOf(lead, span, isNewestFirst, most)
      const rest = others.map(other => this.#placesIn([...blocks.keys()], other))
      for (const [block, places] of blocks) {
        for (const place of placesOf(block, places, span, isNewestFirst)) {
          found.push({ place, mayMatch: rest.every(one => isSet(one.get(block), place)) })
        }
      }
      const last = [...blocks.keys()].at(-1)
      if (last === undefined || blocks.size < most) break
      span = isNewestFirst ? { from, to: last * BLOCK + 1 } : { from: (last + 1) * BLOCK + 1, to }
    }
    return found.slice(0, limit)
  }

  /** Returns the next blocks of a span in which a field occurs, with the places there. */
  #blocksOf(
    { field, values }: AskedField,
    { from, to }: Span,
    isNewestFirst: boolean,
    limit: number,
  ): ReadonlyMap<number, Places> {
    const order = isNewestFirst ? 'DESC' : 'ASC'
    const rows = values.flatMap(value =>
      this.#sql<BlockRow>(
        `SELECT block, low, high FROM event_term WHERE field = ? AND value = ? AND block >= ? AND block <= ?
          ORDER BY block ${order} LIMIT ?`,
        ...[field, value, blockOf(from), blockOf(to - 1), limit],
      ),
    )
    const sorted = rows.sort((a, b) => (isNewestFirst ? b.block - a.block : a.block - b.block))
    // The first blocks of all are whole: if a value is in one of them, that is among the first of the value itself.
    return new Map([...united(sorted)].slice(0, limit))
  }

  /** Returns at which places of some blocks a field occurs. */
  #placesIn(blocks: readonly number[], { field, values }: AskedField): ReadonlyMap<number, Places> {
    return united(
      this.#sql<BlockRow>(
        `SELECT block, low, high FROM json_each(?) AS blocks CROSS JOIN json_each(?) AS names
          CROSS JOIN event_term ON block = blocks.value AND event_term.value = names.value
          WHERE field = ?`,
        ...[JSON.stringify(blocks), JSON.stringify(values), field],
      ),
    )
  }

  /** Counts the blocks in which a value occurs, up to {@link PEEK}. */
  #count(field: string, value: string, { from, to }: Span): number {
    const [row] = this.#sql<{ count: number }>(
      `SELECT count(*) AS count FROM (
        SELECT 1 FROM event_term WHERE field = ? AND value = ? AND block >= ? AND block <= ? LIMIT ?
      )`,
      ...[field, value, blockOf(from), blockOf(to - 1), PEEK],
    )
    return row?.count ?? 0
  }
}

const blockOf = (place: number): number => Math.floor((place - 1) / BLOCK)

/** Returns the rows of the records of one block: each term, and the places that it is at. */
function rowsOf(records: readonly PlacedEvent[]): readonly (readonly [...Term, low: number, high: number])[] {
  const rows = new Map<string, [...Term, low: number, high: number]>()
  for (const { place, event } of records) {
    const bit = (place - 1) % BLOCK
    for (const [field, value] of termsOf(event)) {
      const [, , low, high] = rows.get(`${field} ${value}`) ?? [field, value, 0, 0]
      const isLow = bit < 32
      const half = ((isLow ? low : high) | (1 << (bit % 32))) >>> 0
      rows.set(`${field} ${value}`, [field, value, isLow ? half : low, isLow ? high : half])
    }
  }
  return [...rows.values()]
}

function united(rows: readonly BlockRow[]): ReadonlyMap<number, Places> {
  const blocks = new Map<number, Places>()
  for (const { block, low, high } of rows) {
    const before = blocks.get(block) ?? { low: 0, high: 0 }
    blocks.set(block, { low: (before.low | low) >>> 0, high: (before.high | high) >>> 0 })
  }
  return blocks
}

function isSet(places: Places | undefined, place: number): boolean {
  const bit = (place - 1) % BLOCK
  const half = (bit < 32 ? places?.low : places?.high) ?? 0
  return ((half >>> (bit % 32)) & 1) === 1
}

/** Returns the places of a block that are set and in a span, in the order of looking. */
function placesOf(block: number, places: Places, { from, to }: Span, isNewestFirst: boolean): number[] {
  const set: number[] = []
  for (
    let place = Math.max(block * BLOCK + 1, from);
    place < Math.min((block + 1) * BLOCK + 1, to);
    place++
  ) {
    if (isSet(places, place)) set.push(place)
  }
  return isNewestFirst ? set.reverse() : set
}

/** Returns the places of a span, in the order of looking. */
export function allIn({ from, to, limit, isNewestFirst }: Look): Candidate[] {
  const length = Math.max(0, Math.min(limit, to - from))
  return Array.from({ length }, (_, i) => ({ place: isNewestFirst ? to - 1 - i : from + i, mayMatch: true }))
}
