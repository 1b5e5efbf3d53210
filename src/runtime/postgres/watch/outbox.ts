import type { Alert } from '../../../watch/finding.ts'
import type { AlertOutbox } from '../../../watch/finding-control.ts'
import { AS_LOG, runAsLog } from '../as-log.ts'
import type { Session } from '../session.ts'

const IDS = 'id IN (SELECT json_array_elements_text($1::text::json)) AND (SELECT elected FROM log)'
const TAKE = `${AS_LOG}, taken AS (UPDATE mediaward.alert SET due = $2::bigint WHERE ${IDS}) SELECT elected FROM log`
const DONE = `${AS_LOG}, done AS (DELETE FROM mediaward.alert WHERE ${IDS}) SELECT elected FROM log`

/** The alerts of a fleet that wait. Only the process that is the log takes them. */
export class PostgresAlertOutbox implements AlertOutbox {
  readonly #session: Session

  /** @param session that of the log, which has its lock */
  constructor(session: Session) {
    this.#session = session
  }

  async due(now: number, limit: number): Promise<readonly Alert[]> {
    const rows = await this.#session.query<{ due: number; json: string }>(
      'SELECT due, json FROM mediaward.alert WHERE due <= $1::bigint ORDER BY id LIMIT $2::bigint',
      ...[now, limit],
    )
    return rows.map(({ due, json }) => ({ ...(JSON.parse(json) as Alert), due }))
  }

  take(ids: readonly string[], until: number): Promise<void> {
    return runAsLog(this.#session, TAKE, JSON.stringify(ids), until)
  }

  done(ids: readonly string[]): Promise<void> {
    return runAsLog(this.#session, DONE, JSON.stringify(ids))
  }

  async next(): Promise<number> {
    const [row] = await this.#session.query<{ due: number | null }>(
      'SELECT min(due) AS due FROM mediaward.alert',
    )
    return row?.due ?? Number.POSITIVE_INFINITY
  }
}
