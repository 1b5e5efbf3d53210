import { firstIdAt } from '../../ledger/event-id.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import { mergeDeliveries } from '../../ledger/merge-deliveries.ts'
import type { Sql } from './sql.ts'

/** How long the deliveries of a view are put together, in milliseconds. */
const HOLD = 5 * 60_000
/** How long the id of a sum is known, so that one that comes again is not counted again, in milliseconds. */
const KNOWN = 7 * 24 * 3_600_000
/** Most ids that are forgotten at once. */
const MAX_FORGOTTEN = 1_000

interface Row extends LedgerEntry {
  readonly view: string
}

/**
 * Sums of bytes that left, which wait for further ones of their view. A player of segments causes a sum every ten seconds;
 * put together, a view has a record every five minutes. What waits here is durable, and has no index yet.
 */
export class HeldDeliveries {
  readonly #sql: Sql
  /** When the next view is due; undefined if it has to be looked up. */
  #due: number | undefined

  constructor(sql: Sql) {
    this.#sql = sql
    sql(`CREATE TABLE IF NOT EXISTS held_delivery (
      view TEXT PRIMARY KEY, due INTEGER NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`)
    sql(
      'CREATE TABLE IF NOT EXISTS held_id (id TEXT PRIMARY KEY, came INTEGER NOT NULL) STRICT, WITHOUT ROWID',
    )
    // Ids are in the order of time themselves. An index of when they came is a row more, to write and to remove.
    sql('DROP INDEX IF EXISTS held_id_came')
  }

  /**
   * Holds a sum of a view, once, however often it comes. Returns what is to get its index now: what the view had before, if
   * the two don't fit into one record.
   */
  hold(view: string, { id, json }: LedgerEntry, now: number): readonly LedgerEntry[] {
    const isNew = this.#sql(
      'INSERT INTO held_id (id, came) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1',
      id,
      now,
    )
    if (isNew.length === 0) return []
    const [held] = this.#sql<LedgerEntry>('SELECT id, json FROM held_delivery WHERE view = ?', view)
    const merged = held && mergeDeliveries(held.json, json)
    if (merged !== undefined) {
      this.#sql('UPDATE held_delivery SET json = ? WHERE view = ?', merged, view)
      return []
    }
    this.#sql(
      `INSERT INTO held_delivery (view, due, id, json) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET due = excluded.due, id = excluded.id, json = excluded.json`,
      ...[view, now + HOLD, id, json],
    )
    this.#due = undefined
    return held === undefined ? [] : [held]
  }

  /** When the next view is due, in milliseconds since 1970; infinity if nothing is held. */
  get due(): number {
    this.#due ??=
      this.#sql<{ due: number | null }>('SELECT min(due) AS due FROM held_delivery')[0]?.due ??
      Number.POSITIVE_INFINITY
    return this.#due
  }

  /** Returns what is due, and holds it no longer. */
  release(now: number): readonly LedgerEntry[] {
    if (now < this.due) return []
    const rows = this.#sql<Row>('DELETE FROM held_delivery WHERE due <= ? RETURNING view, id, json', now)
    this.#sql(
      'DELETE FROM held_id WHERE id IN (SELECT id FROM held_id WHERE id < ? AND came < ? ORDER BY id LIMIT ?)',
      ...[firstIdAt(Math.max(0, now - KNOWN)), now - KNOWN, MAX_FORGOTTEN],
    )
    this.#due = undefined
    return rows.map(({ id, json }) => ({ id, json })).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Returns what is held with one of some members in its JSON, and holds it no longer. */
  releaseWith(members: readonly string[]): readonly LedgerEntry[] {
    const rows = this.#sql<LedgerEntry>(
      `DELETE FROM held_delivery WHERE EXISTS (SELECT 1 FROM json_each(?) WHERE instr(held_delivery.json, value) > 0)
        RETURNING id, json`,
      JSON.stringify(members),
    )
    this.#due = undefined
    return rows.map(({ id, json }) => ({ id, json })).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Returns what is held. */
  all(): readonly LedgerEntry[] {
    return this.#sql<LedgerEntry>('SELECT id, json FROM held_delivery').map(({ id, json }) => ({ id, json }))
  }
}
