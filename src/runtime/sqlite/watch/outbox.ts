import type { Alert } from '../../../watch/finding.ts'
import type { AlertOutbox } from '../../../watch/finding-control.ts'
import type { StatesStorage } from '../follower-states.ts'

/** The alerts that wait, in the table that findings are stored beside. */
export class SqlAlertOutbox implements AlertOutbox {
  readonly #storage: StatesStorage

  /** @param storage with the tables of `WatchTables` */
  constructor(storage: StatesStorage) {
    this.#storage = storage
  }

  async due(now: number, limit: number): Promise<readonly Alert[]> {
    return this.#storage
      .sql<{ due: number; json: string }>(
        'SELECT due, json FROM alert WHERE due <= ? ORDER BY id LIMIT ?',
        now,
        limit,
      )
      .map(({ due, json }) => ({ ...(JSON.parse(json) as Alert), due }))
  }

  async take(ids: readonly string[], until: number): Promise<void> {
    const { sql, write } = this.#storage
    const statement = 'UPDATE alert SET due = ? WHERE id IN (SELECT value FROM json_each(?))'
    await write(() => sql(statement, until, JSON.stringify(ids)))
  }

  async done(ids: readonly string[]): Promise<void> {
    const { sql, write } = this.#storage
    await write(() =>
      sql('DELETE FROM alert WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids)),
    )
  }

  async next(): Promise<number> {
    const [row] = this.#storage.sql<{ due: number | null }>('SELECT min(due) AS due FROM alert')
    return row?.due ?? Number.POSITIVE_INFINITY
  }
}
