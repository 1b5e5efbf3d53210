import { LOCKS } from './schema.ts'
import type { Session } from './session.ts'

/** Most records that are given an index in one round. */
export const ROUND = 1_000

/** One round after another: the next one begins when the one before is committed. */
const ROUND_LOCK = `SELECT pg_advisory_xact_lock(${LOCKS.round})`

/**
 * Gives the records that have waited longest their indexes, in the order of their ids, which is by time, and enters them
 * into the index and the counts. A record whose id is in the log already is dropped. A sum of deliveries is held instead,
 * unless it came before; one that has an index to get is not a sum any more.
 *
 * What is taken is deleted, in the same transaction. So no record is skipped that is committed late, after one with a
 * higher number. If a request follows another one, the first one's records have lower numbers and were committed before:
 * a round has both requests' records, or only those of the first.
 */
const TAKE = `
  WITH taken AS (
    DELETE FROM mediaward.inbox
    WHERE number = ANY (ARRAY(SELECT number FROM mediaward.inbox ORDER BY number LIMIT ${ROUND}))
    RETURNING *
  ), fresh AS (
    SELECT DISTINCT ON (id) * FROM taken
    WHERE (SELECT event.index FROM mediaward.event WHERE event.id = taken.id) IS NULL
    ORDER BY id, view IS NOT NULL, number
  ), sums AS (
    INSERT INTO mediaward.held_id (id, came) SELECT id, now() FROM fresh WHERE view IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING id
  ), held AS (
    INSERT INTO mediaward.held_delivery (view, came, id, json)
    SELECT view, now(), id, json FROM fresh JOIN sums USING (id) ORDER BY number
  ), placed AS (
    SELECT (SELECT coalesce(max(index), -1) FROM mediaward.event) + row_number() OVER (ORDER BY id) AS index, *
    FROM fresh WHERE view IS NULL
  ), events AS (
    INSERT INTO mediaward.event (index, id, json) SELECT index, id, json FROM placed
  ), terms AS (
    INSERT INTO mediaward.event_term (field, value, index)
    SELECT term ->> 0, term ->> 1, index FROM placed, json_array_elements(terms) AS term
    ON CONFLICT DO NOTHING
  ), times AS (
    INSERT INTO mediaward.event_time (unit, start, first, last)
    SELECT unit, recorded / unit * unit, min(index), max(index) FROM placed, (VALUES (60000), (3600000)) AS units (unit)
    GROUP BY 1, 2
    ON CONFLICT (unit, start) DO UPDATE SET last = excluded.last
  ), counts AS (
    INSERT INTO mediaward.event_count (unit, tenant, start, kind, reason, count)
    SELECT (row ->> 0)::bigint, row ->> 1, (row ->> 2)::bigint, row ->> 3, row ->> 4, sum((row ->> 5)::bigint)::bigint
    FROM placed, json_array_elements(counts) AS row GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (unit, tenant, start, kind, reason) DO UPDATE SET count = event_count.count + excluded.count
  )
  SELECT count(*) AS count FROM taken`

/**
 * Does one round. Any process may do one at any time: the lock is held by the transaction, which the server ends by itself,
 * so two rounds never run at once, and each sees all that the one before has committed.
 *
 * @returns how many records were taken: fewer than {@link ROUND} if no more waited
 */
export async function takeRound(session: Session): Promise<number> {
  const [row] = await session.queryInOrder<{ count: number }>(ROUND_LOCK, TAKE)
  return row?.count ?? 0
}
