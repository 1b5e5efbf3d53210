import type { SqlStorage } from '../sqlite/sql.ts'
import type { DurableState } from './bindings.ts'

/**
 * Returns the database of a Durable Object, which is its only writer. A statement is durable when the next answer of the
 * object leaves: its output gate waits for that.
 */
export function storageOf({ storage }: DurableState): SqlStorage {
  const { sql } = storage
  return {
    sql: (statement, ...parameters) => sql.exec(statement, ...parameters).toArray() as never,
    transaction: work => storage.transactionSync(work),
  }
}
