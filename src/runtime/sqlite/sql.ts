/** A value that a statement is given. */
export type SqlValue = string | number | null

/** Runs a statement of SQLite and returns its rows, on whatever runtime has the database. */
export type Sql = <Row extends object>(statement: string, ...parameters: readonly SqlValue[]) => Row[]

/** A database with one writer, the caller. */
export interface SqlStorage {
  readonly sql: Sql
  /** Does some work in one transaction: all of it or, if it throws, nothing. */
  transaction<Result>(work: () => Result): Result
}
