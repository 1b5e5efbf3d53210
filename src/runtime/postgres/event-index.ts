import type { Look, Span } from '../../ledger/query/span.ts'
import type { AskedField, Times } from '../../ledger/query/terms.ts'
import { storedValue } from './inbox-row.ts'
import type { Session, Value } from './session.ts'

/** A record that a query may ask for. Of one that the index rules out, only its place. */
export interface Candidate {
  readonly index: number
  readonly id: string | null
  readonly json: string | null
}

/** So many indexes of each field are counted to find out which one is in the fewest records. */
const PEEK = 200
const MINUTE = 60_000
const HOUR = 3_600_000

/** Which records are live, and which of them a query by time is about. */
export interface LiveSpan extends Span {
  /** The index of the first record that was not pruned. */
  readonly first: number
  /** How many records there are, those that were pruned included. */
  readonly size: number
}

/** Returns which records are live, and which of them may have been recorded at a time or later and before another. */
export async function spanOf(session: Session, { since, until }: Times): Promise<LiveSpan> {
  const values = new Values()
  const [row] = await session.query<{
    first: number
    size: number
    since: number | null
    until: number | null
  }>(
    `SELECT (SELECT below FROM mediaward.pruned) AS first,
      (SELECT coalesce(max(index), -1) + 1 FROM mediaward.event) AS size,
      ${since === 0 ? '0' : firstSince(since, values)} AS since,
      ${until === Number.POSITIVE_INFINITY ? 'NULL' : lastBefore(until, values)} AS until`,
    ...values.all,
  )
  const { first, size } = row ?? { first: 0, size: 0 }
  return {
    ...{ first, size },
    from: Math.max(first, row?.since ?? size),
    to: until === Number.POSITIVE_INFINITY ? size : (row?.until ?? -1) + 1,
  }
}

function firstSince(time: number, values: Values): string {
  const nextHour = values.add(startOf(time, HOUR) + HOUR)
  return `(SELECT min(first) FROM mediaward.event_time WHERE unit = ${HOUR} AND start >= ${nextHour}
    OR unit = ${MINUTE} AND start >= ${values.add(startOf(time, MINUTE))} AND start < ${nextHour})`
}

function lastBefore(time: number, values: Values): string {
  const hour = values.add(startOf(time, HOUR))
  return `(SELECT max(last) FROM mediaward.event_time WHERE unit = ${HOUR} AND start < ${hour}
    OR unit = ${MINUTE} AND start >= ${hour} AND start < ${values.add(time)})`
}

const startOf = (time: number, unit: number): number => Math.floor(time / unit) * unit

/** Returns the fields that a query asks, the one that occurs in the fewest records of a span first. */
export async function bySelectivity(
  session: Session,
  asked: readonly AskedField[],
  { from, to }: Span,
): Promise<readonly AskedField[]> {
  if (asked.length < 2) return asked
  const values = new Values(from, to)
  const counts = asked.map(
    one => `(SELECT count(*) FROM ${occurrences(one, values, `LIMIT ${PEEK}`)}) AS ${one.field}`,
  )
  const [row] = await session.query<Record<string, number>>(`SELECT ${counts}`, ...values.all)
  // Those that occur more often than is counted keep their order.
  return asked.toSorted((a, b) => (row?.[a.field] ?? 0) - (row?.[b.field] ?? 0))
}

/**
 * Returns the records at which a query looks next, in the order of looking. Fewer than `limit` only if there are no more.
 *
 * @param asked the fields that a record must match, the first of which leads to the records
 */
export async function candidates(
  session: Session,
  [lead, ...others]: readonly AskedField[],
  { from, to, limit, isNewestFirst }: Look,
): Promise<readonly Candidate[]> {
  if (from >= to) return []
  const values = new Values(from, to)
  const inOrder = `ORDER BY index ${isNewestFirst ? 'DESC' : 'ASC'} LIMIT ${limit}`
  if (lead === undefined) {
    return await session.query(
      `SELECT index, id, json FROM mediaward.event WHERE index >= $1 AND index < $2 ${inOrder}`,
      ...values.all,
    )
  }
  const found = `(SELECT index FROM ${occurrences(lead, values, inOrder)} ${inOrder})`
  // Looking into the index again is cheaper than reading a record that another field rules out.
  const matches = others.map(
    ({ field, values: some }) => `AND EXISTS (
      SELECT FROM mediaward.event_term
      WHERE field = ${values.add(field)} AND value IN (${some.map(one => values.add(storedValue(one)))})
        AND event_term.index = found.index
    )`,
  )
  return await session.query(
    `SELECT found.index, id, json FROM ${found} AS found
      LEFT JOIN mediaward.event ON event.index = found.index ${matches.join(' ')} ${inOrder.replace('index', 'found.index')}`,
    ...values.all,
  )
}

/** Names the occurrences of a field within the span of `$1` and `$2`, up to some of each of its values. */
function occurrences({ field, values: some }: AskedField, values: Values, limited: string): string {
  const one = some.map(value => `(${values.add(storedValue(value))})`)
  return `(VALUES ${one}) AS asked (value) CROSS JOIN LATERAL (
    SELECT index FROM mediaward.event_term
    WHERE field = ${values.add(field)} AND event_term.value = asked.value AND index >= $1 AND index < $2 ${limited}
  ) AS occurrence`
}

/** The values of a statement, in the order of their numbers. */
class Values {
  readonly all: Value[]

  constructor(...values: readonly Value[]) {
    this.all = [...values]
  }

  /** Adds a value, and returns what names it in the statement. */
  add(value: Value): string {
    this.all.push(value)
    return `$${this.all.length}`
  }
}
