import type { LiveBounds, LiveLog } from '../../../archive/live-log.ts'
import { COUNT_UNITS } from '../../../ledger/query/counts.ts'
import type { TablePage, TableQuery } from '../../../ledger/query/table-page.ts'
import { parseEvent, recordedAt, termsOf } from '../../../ledger/query/terms.ts'
import { runAsLog } from '../as-log.ts'
import { minutesSince } from '../event-counts.ts'
import { storedValue } from '../inbox-row.ts'
import { LOCKS } from '../schema.ts'
import type { Session } from '../session.ts'

/** Most records that are pruned in one statement: it holds up the rounds of the log for some 40 ms. */
const PRUNED = 250
/** The newest records stay: the last one says which index is next. */
const STAY = 64
/** How long the log has for its rounds between two such statements, in milliseconds. */
const REST = 20

/** How the live log is read, and by which session it is pruned. */
export interface LiveLogServices {
  readonly reading: Session
  /** The session that has the lock of the log, if this process is it. */
  readonly ordering: Session
  readonly read: (query: TableQuery) => Promise<TablePage>
}

const BOUNDS = `
  SELECT (SELECT below FROM mediaward.pruned) AS first,
    (SELECT coalesce(max(index), -1) + 1 FROM mediaward.event) AS end`

/** The first records, with those that stay after them. */
const FIRST = `
  SELECT index, json FROM mediaward.event WHERE index >= (SELECT below FROM mediaward.pruned)
  ORDER BY index LIMIT ${PRUNED + STAY}`

/** Begins after the round that is under way: both lock the same rows, in different orders, and would wait for each other. */
const AFTER_ROUND = `WITH RECURSIVE log AS MATERIALIZED (
    SELECT pg_try_advisory_lock(${LOCKS.log}) AS elected FROM (SELECT pg_advisory_xact_lock(${LOCKS.round})) AS round
  )`

/** Removes the records below an index, and terms. */
const PRUNE = `${AFTER_ROUND}, records AS (
    DELETE FROM mediaward.event WHERE index < $1 AND (SELECT elected FROM log)
  ), terms AS (
    DELETE FROM mediaward.event_term USING json_to_recordset($2::text::json) AS gone (field text, value text, index bigint)
    WHERE event_term.field = gone.field AND event_term.value = gone.value AND event_term.index = gone.index
      AND (SELECT elected FROM log)
  ), pruned AS (
    UPDATE mediaward.pruned SET below = greatest(below, $1) WHERE (SELECT elected FROM log)
  ) SELECT elected FROM log`

/**
 * Removes the spans that begin before an hour and have no record from an index on, and the counts of the minutes before that
 * hour, sixty times as many as those of hours, which stay. From tenant to tenant, since the table is in their order.
 */
const FORGET = `${AFTER_ROUND}, known (tenant) AS (
    SELECT min(tenant) FROM mediaward.event_count WHERE unit = ${COUNT_UNITS.minute}
    UNION ALL
    SELECT (
      SELECT min(tenant) FROM mediaward.event_count WHERE unit = ${COUNT_UNITS.minute} AND event_count.tenant > known.tenant
    ) FROM known WHERE known.tenant IS NOT NULL
  ), times AS (
    DELETE FROM mediaward.event_time WHERE unit IN (${COUNT_UNITS.minute}, ${COUNT_UNITS.hour}) AND start < $1 AND last < $2
      AND (SELECT elected FROM log)
  ), minutes AS (
    DELETE FROM mediaward.event_count
    WHERE unit = ${COUNT_UNITS.minute} AND tenant = ANY (ARRAY(SELECT tenant FROM known)) AND start < $1
      AND (SELECT elected FROM log)
  ), pruned AS (
    UPDATE mediaward.pruned SET minutes_since = greatest(minutes_since, $1) WHERE (SELECT elected FROM log)
  ) SELECT elected FROM log`

/** Creates the live log of a fleet. */
export function createPostgresLiveLog({ reading, ordering, read }: LiveLogServices): LiveLog {
  return {
    async bounds() {
      const [row] = await reading.query<LiveBounds>(BOUNDS)
      return row ?? { first: 0, end: 0 }
    },

    read,

    cursorAt: place => place,

    placeAt: cursor => cursor,

    async prune(below) {
      const rows = await reading.query<{ index: number; json: string }>(FIRST)
      const found = rows.map(({ index, json }) => ({ index, event: parseEvent(json) }))
      const old = found.slice(0, -STAY).filter(({ index }) => index < below)
      const last = old.at(-1)?.index
      if (last === undefined) return false
      const terms = old.flatMap(({ index, event }) =>
        termsOf(event).map(([field, value]) => ({ field, value: storedValue(value), index })),
      )
      await runAsLog(ordering, PRUNE, last + 1, JSON.stringify(terms))
      // Of several, so that one whose time is late removes no counts of what is still live.
      const time = Math.min(
        ...found.slice(old.length, old.length + STAY).map(({ event }) => recordedAt(event)),
      )
      const hour = Math.floor(time / COUNT_UNITS.hour) * COUNT_UNITS.hour
      if (hour > (await minutesSince(reading))) await runAsLog(ordering, FORGET, hour, last + 1)
      await new Promise(resolve => setTimeout(resolve, REST))
      return old.length === PRUNED
    },
  }
}
