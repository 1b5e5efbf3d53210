import { Overtaken } from '../../archive/live-log.ts'
import { LOCKS } from './schema.ts'
import type { Session, Value } from './session.ts'

/**
 * The first part of a statement that changes something only if its session has the lock of the log, or takes it: another process
 * may be the log by now, and may have gone on. The statement ends with `SELECT elected FROM log`.
 */
export const AS_LOG: string = `WITH log AS MATERIALIZED (SELECT pg_try_advisory_lock(${LOCKS.log}) AS elected)`

/**
 * Runs a statement that changes something as the log, as {@link AS_LOG} does.
 *
 * @throws Overtaken if another process is the log: then it has changed nothing
 */
export async function runAsLog(
  session: Session,
  statement: string,
  ...values: readonly Value[]
): Promise<void> {
  const [row] = await session.query<{ elected: boolean }>(statement, ...values)
  if (row?.elected !== true) throw new Overtaken('another process is the log')
}
