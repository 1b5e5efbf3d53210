import type { DeadLetter, FollowerState, FollowerStates } from '../../follow/states.ts'
import type { Sql } from './sql.ts'

/** The database of a log, as what followers remember is kept in it. */
export interface StatesStorage {
  readonly sql: Sql
  /** Does some work in a transaction. Resolves to its result when that is durable. */
  write<Result>(work: () => Result): Promise<Result>
}

/** What followers remember, as tables of SQLite beside the log, the same in a Durable Object and in a file. */
export class SqlFollowerStates implements FollowerStates {
  readonly #storage: StatesStorage

  constructor(storage: StatesStorage) {
    this.#storage = storage
    storage.sql('CREATE TABLE IF NOT EXISTS follower (name TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT')
    storage.sql(
      'CREATE TABLE IF NOT EXISTS dead_letter (name TEXT, number INTEGER, letter TEXT NOT NULL, PRIMARY KEY (name, number)) STRICT, WITHOUT ROWID',
    )
  }

  async load(name: string): Promise<FollowerState | undefined> {
    const [row] = this.#storage.sql<{ state: string }>('SELECT state FROM follower WHERE name = ?', name)
    return row && (JSON.parse(row.state) as FollowerState)
  }

  save(name: string, state: FollowerState, dead: readonly DeadLetter[] = []): Promise<void> {
    const { sql } = this.#storage
    return this.#storage.write(() => {
      sql('INSERT OR REPLACE INTO follower (name, state) VALUES (?, ?)', name, JSON.stringify(state))
      for (const letter of dead) {
        const row = [name, letter.index, JSON.stringify(letter)]
        sql('INSERT OR REPLACE INTO dead_letter (name, number, letter) VALUES (?, ?, ?)', ...row)
      }
    })
  }

  async deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]> {
    return this.#storage
      .sql<{ letter: string }>(
        'SELECT letter FROM dead_letter WHERE name = ? ORDER BY number LIMIT ?',
        name,
        limit,
      )
      .map(({ letter }) => JSON.parse(letter) as DeadLetter)
  }

  async countDeadLetters(name: string): Promise<number> {
    const [row] = this.#storage.sql<{ count: number }>(
      'SELECT count(*) AS count FROM dead_letter WHERE name = ?',
      name,
    )
    return row?.count ?? 0
  }

  bury(name: string, indexes: readonly number[]): Promise<void> {
    return this.#storage.write(() => {
      for (const index of indexes)
        this.#storage.sql('DELETE FROM dead_letter WHERE name = ? AND number = ?', name, index)
    })
  }
}
