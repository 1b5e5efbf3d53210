import { type LedgerPage, type LedgerQuery, parseCursor, type ReadEntry } from '../ledger.ts'

/** What to read of a table of records, whose cursors are numbers. All is as in a query of the ledger. */
export interface TableQuery extends Omit<LedgerQuery, 'after'> {
  readonly after?: number
}

/** Some records of a table. All is as on a page of the ledger. */
export interface TablePage {
  readonly entries: readonly ReadEntry[]
  readonly cursor: number
  readonly end: number
  readonly more: boolean
  readonly archived?: true
}

/**
 * Returns a query of the ledger as one of its table.
 *
 * @throws CursorInvalid
 */
export function tableQueryOf({ after: cursor, ...query }: LedgerQuery): TableQuery {
  const after = parseCursor(cursor)
  return after === undefined ? query : { ...query, after }
}

/** Returns a page of the table as a page of the ledger. */
export const pageOf = ({ cursor, end, ...page }: TablePage): LedgerPage => ({
  ...page,
  cursor: `${cursor}`,
  end: `${end}`,
})
