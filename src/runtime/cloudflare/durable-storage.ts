import type { SqlStorage } from '../sqlite/sql.ts'
import type { DurableState } from './bindings.ts'

/** The database of a Durable Object. */
export interface DurableStorage extends SqlStorage {
  /** Does some work in one transaction, as `transaction` does. */
  write<Result>(work: () => Result): Promise<Result>
}

/**
 * Returns the database of a Durable Object, which is its only writer. A statement is durable when the next answer of the
 * object leaves: its output gate waits for that.
 */
export function storageOf({ storage }: DurableState): DurableStorage {
  const { sql } = storage
  const transaction = <Result>(work: () => Result): Result => storage.transactionSync(work)
  return {
    sql: (statement, ...parameters) => sql.exec(statement, ...parameters).toArray() as never,
    transaction,
    write: async work => transaction(work),
  }
}
