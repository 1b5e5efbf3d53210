import type { Manifest, SegmentQuery } from '../../../archive/live-log.ts'
import type { Segment } from '../../../archive/manifest.ts'
import { AS_LOG, runAsLog } from '../as-log.ts'
import type { Session } from '../session.ts'

const COLUMNS = 'first, last, since, until, written, bytes, sha256, terms'

const ADD = `${AS_LOG}, added AS (
    INSERT INTO mediaward.archive_segment (${COLUMNS})
    SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::text, $8::text FROM log WHERE elected
    ON CONFLICT (first) DO UPDATE SET last = excluded.last, since = excluded.since, until = excluded.until,
      written = excluded.written, bytes = excluded.bytes, sha256 = excluded.sha256, terms = excluded.terms
  ) SELECT elected FROM log`

const REMOVE = `${AS_LOG}, removed AS (
    DELETE FROM mediaward.archive_segment WHERE first = $1 AND (SELECT elected FROM log)
  ) SELECT elected FROM log`

/** The manifest of a fleet's archive. Every process reads it, and the one that is the log changes it. */
export class PostgresManifest implements Manifest {
  readonly #reading: Session
  readonly #ordering: Session

  /** @param ordering the session that has the lock of the log, if this process is it */
  constructor(reading: Session, ordering: Session) {
    this.#reading = reading
    this.#ordering = ordering
  }

  first(): Promise<Segment | undefined> {
    return this.#end('ASC')
  }

  last(): Promise<Segment | undefined> {
    return this.#end('DESC')
  }

  find({ from, to, since, until, isNewestFirst, limit }: SegmentQuery): Promise<readonly Segment[]> {
    return this.#reading.query<Segment>(
      `SELECT ${COLUMNS} FROM mediaward.archive_segment
        WHERE first >= (SELECT coalesce(max(first), 0) FROM mediaward.archive_segment WHERE first <= $1::bigint)
          AND first < $2::bigint AND last >= $1::bigint AND until >= $3::bigint AND since < $4::bigint
        ORDER BY first ${isNewestFirst ? 'DESC' : 'ASC'} LIMIT $5::bigint`,
      ...[from, to, since, Math.min(until, Number.MAX_SAFE_INTEGER), limit],
    )
  }

  add({ first, last, since, until, written, bytes, sha256, terms }: Segment): Promise<void> {
    const values = [first, last, since, until, written, bytes, sha256, terms]
    return runAsLog(this.#ordering, ADD, ...values)
  }

  remove(first: number): Promise<void> {
    return runAsLog(this.#ordering, REMOVE, first)
  }

  async #end(order: 'ASC' | 'DESC'): Promise<Segment | undefined> {
    const [row] = await this.#reading.query<Segment>(
      `SELECT ${COLUMNS} FROM mediaward.archive_segment ORDER BY first ${order} LIMIT 1`,
    )
    return row
  }
}
