import type { LiveBounds, LiveLog } from '../../../archive/live-log.ts'
import { COUNT_UNITS } from '../../../ledger/query/counts.ts'
import type { TablePage, TableQuery } from '../../../ledger/query/table-page.ts'
import { parseEvent, recordedAt, termsOf } from '../../../ledger/query/terms.ts'
import { AS_LOG, LOG, runAsLog } from '../as-log.ts'
import { minutesSince } from '../event-counts.ts'
import { storedValue } from '../inbox-row.ts'
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
  SELECT coalesce(min(index), 0) AS first, coalesce(max(index), -1) + 1 AS end FROM mediaward.event`

const RECORDS = 'SELECT index, json FROM mediaward.event WHERE index < $1 ORDER BY index LIMIT $2::bigint'

/** When records were made from an index on. Of several, so that one with a wrong time has no say. */
const NEXT = `SELECT json FROM mediaward.event WHERE index >= $1 ORDER BY index LIMIT ${STAY}`

/** Removes the records below an index, and terms. */
const PRUNE = `${AS_LOG}, records AS (
    DELETE FROM mediaward.event WHERE index < $1 AND (SELECT elected FROM log)
  ), terms AS (
    DELETE FROM mediaward.event_term USING json_to_recordset($2::text::json) AS gone (field text, value text, index bigint)
    WHERE event_term.field = gone.field AND event_term.value = gone.value AND event_term.index = gone.index
      AND (SELECT elected FROM log)
  ) SELECT elected FROM log`

/**
 * Removes the spans that begin before an hour and have no record from an index on, and the counts of the minutes before that
 * hour, sixty times as many as those of hours, which stay. From tenant to tenant, since the table is in their order.
 */
const FORGET = `WITH RECURSIVE ${LOG}, known (tenant) AS (
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
  ), since AS (
    INSERT INTO mediaward.minutes_since (since) SELECT $1::bigint FROM log WHERE elected ON CONFLICT DO NOTHING
  ) SELECT elected FROM log`

/** Creates the live log of a fleet. */
export function createPostgresLiveLog({ reading, ordering, read }: LiveLogServices): LiveLog {
  const boundsOf = async (): Promise<LiveBounds> => {
    const [row] = await reading.query<LiveBounds>(BOUNDS)
    return row ?? { first: 0, end: 0 }
  }
  return {
    bounds: boundsOf,

    read,

    cursorAt: place => place,

    placeAt: cursor => cursor,

    async prune(below) {
      const { end } = await boundsOf()
      const most = Math.min(below, end - STAY)
      const records = await reading.query<{ index: number; json: string }>(RECORDS, most, PRUNED)
      const last = records.at(-1)?.index
      if (last === undefined) return false
      const next = await reading.query<{ json: string }>(NEXT, last + 1)
      const time = Math.min(...next.map(({ json }) => recordedAt(parseEvent(json))))
      const terms = records.flatMap(({ index, json }) =>
        termsOf(parseEvent(json)).map(([field, value]) => ({ field, value: storedValue(value), index })),
      )
      await runAsLog(ordering, PRUNE, last + 1, JSON.stringify(terms))
      const hour = Math.floor(time / COUNT_UNITS.hour) * COUNT_UNITS.hour
      if (hour > (await minutesSince(reading))) await runAsLog(ordering, FORGET, hour, last + 1)
      await new Promise(resolve => setTimeout(resolve, REST))
      return records.length === PRUNED
    },
  }
}
