import { logToOperator } from '../../base/operator.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import { BLOCK } from './event-index.ts'
import { EventTable } from './event-table.ts'
import { Renumbering } from './renumbering.ts'
import type { SqlStorage } from './sql.ts'

interface OldRow extends LedgerEntry {
  readonly seq: number
}

/** How many records of an earlier version are moved in one transaction. */
const STEP = 10_000

/**
 * Opens the tables of a log. Those of an earlier version are moved to the tables of this one first, step by step: each step
 * is a transaction, so a crash loses only the step, and the next start goes on.
 *
 * @param limit moves so many records in one step
 */
export function openEvents(storage: SqlStorage, limit: number = STEP): EventTable {
  const { sql } = storage
  const { events, renumbering } = storage.transaction(() => {
    const [old] = sql<{ sql: string }>(
      "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'event'",
    )
    // The table of 0.3.0 had only a number, an id and the JSON of an entry.
    if (old?.sql.includes('AUTOINCREMENT')) sql('ALTER TABLE event RENAME TO event_before')
    const renumbering = new Renumbering(sql)
    return { events: new EventTable(sql, renumbering), renumbering }
  })
  if (hasTable(storage, 'event_before')) moveRows(storage, events, renumbering, limit)
  if (hasTable(storage, 'event_batch')) enterBlocks(storage, events, limit)
  return events
}

const hasTable = ({ sql }: SqlStorage, name: string): boolean =>
  sql('SELECT 1 FROM sqlite_master WHERE name = ?', name).length > 0

/** Moves the rows of 0.3.0, the oldest first. Readers' cursors stay valid. */
function moveRows(storage: SqlStorage, events: EventTable, renumbering: Renumbering, limit: number): void {
  const { sql, transaction } = storage
  const [{ count } = { count: 0 }] = sql<{ count: number }>('SELECT count(*) AS count FROM event_before')
  logToOperator(
    `the ledger moves ${count} records of an earlier version into tables with an index; readers' cursors stay valid`,
  )
  const step = () => {
    const rows = sql<OldRow>('SELECT seq, id, json FROM event_before ORDER BY seq LIMIT ?', limit)
    const { size } = events
    events.append(rows)
    for (const [i, { seq }] of rows.entries()) renumbering.note({ seq, place: size + 1 + i })
    sql('DELETE FROM event_before WHERE seq <= ?', rows.at(-1)?.seq ?? 0)
    if (rows.length === limit) return true
    renumbering.finish(events.size)
    sql('DROP TABLE event_before')
    return false
  }
  while (transaction(step));
}

/** Enters the records of 0.4.0 to 0.6.0, whose indexes had a row for each record and term, and no counts. */
function enterBlocks(storage: SqlStorage, events: EventTable, limit: number): void {
  const { sql, transaction } = storage
  logToOperator(`the ledger indexes ${events.size} records of an earlier version`)
  const step = () => {
    const batches = sql<{ batch: number }>(
      'SELECT batch FROM event_batch ORDER BY batch LIMIT ?',
      Math.ceil(limit / BLOCK),
    )
    const [first, last] = [batches[0]?.batch, batches.at(-1)?.batch]
    if (first === undefined || last === undefined) {
      sql('DROP TABLE event_index')
      sql('DROP TABLE event_batch')
      return false
    }
    events.enter(first * BLOCK, (last + 1) * BLOCK)
    sql('DELETE FROM event_batch WHERE batch <= ?', last)
    return true
  }
  while (transaction(step));
}
