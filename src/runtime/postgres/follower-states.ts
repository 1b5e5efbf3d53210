import type { DeadLetter, FollowerState, FollowerStates } from '../../follow/states.ts'
import { AS_LOG, runAsLog } from './as-log.ts'
import type { Session } from './session.ts'

const SAVE = `${AS_LOG}, state AS (
    INSERT INTO mediaward.follower (name, state) SELECT $1::text, $2::text FROM log WHERE elected
    ON CONFLICT (name) DO UPDATE SET state = excluded.state
  ), letters AS (
    INSERT INTO mediaward.dead_letter (name, index, letter)
    SELECT $1::text, (letter ->> 'index')::bigint, letter::text FROM json_array_elements($3::text::json) AS letter, log
    WHERE elected
    ON CONFLICT (name, index) DO UPDATE SET letter = excluded.letter
  )
  SELECT elected FROM log`

const BURY = `${AS_LOG}, buried AS (
    DELETE FROM mediaward.dead_letter
    WHERE name = $1 AND index IN (SELECT value::bigint FROM json_array_elements_text($2::text::json))
      AND (SELECT elected FROM log)
  )
  SELECT elected FROM log`

/** What followers remember, in the database of a fleet. Only the process that is the log stores it. */
export class PostgresFollowerStates implements FollowerStates {
  readonly #session: Session

  /** @param session that of the log, which has its lock */
  constructor(session: Session) {
    this.#session = session
  }

  async load(name: string): Promise<FollowerState | undefined> {
    const [row] = await this.#session.query<{ state: string }>(
      'SELECT state FROM mediaward.follower WHERE name = $1',
      name,
    )
    return row && (JSON.parse(row.state) as FollowerState)
  }

  save(name: string, state: FollowerState, dead: readonly DeadLetter[] = []): Promise<void> {
    return runAsLog(this.#session, SAVE, name, JSON.stringify(state), JSON.stringify(dead))
  }

  async deadLetters(name: string, limit: number): Promise<readonly DeadLetter[]> {
    const rows = await this.#session.query<{ letter: string }>(
      'SELECT letter FROM mediaward.dead_letter WHERE name = $1 ORDER BY index LIMIT $2::bigint',
      ...[name, limit],
    )
    return rows.map(({ letter }) => JSON.parse(letter) as DeadLetter)
  }

  async countDeadLetters(name: string): Promise<number> {
    const [row] = await this.#session.query<{ count: number }>(
      'SELECT count(*) AS count FROM mediaward.dead_letter WHERE name = $1',
      name,
    )
    return row?.count ?? 0
  }

  bury(name: string, indexes: readonly number[]): Promise<void> {
    return runAsLog(this.#session, BURY, name, JSON.stringify(indexes))
  }
}
