import type { LedgerEntry } from '../../ledger/ledger.ts'
import { mergeDeliveries } from '../../ledger/merge-deliveries.ts'
import { type AskedQuery, fieldsAsked, isWanted } from '../../ledger/query/terms.ts'
import { INBOX_COLUMNS, inboxRow } from './inbox-row.ts'
import type { Session } from './session.ts'

/** How long the deliveries of a view are put together. */
const HOLD = "interval '5 minutes'"
/** How long the id of a sum is known, so that one that comes again is not counted again. */
const KNOWN = "interval '7 days'"
/** Most ids that are forgotten at once. */
const MAX_FORGOTTEN = 1_000
/** A view that has more rows is put together in between, so that a reader of what is held has little to read. */
const MAX_ROWS = 6
/** Most views of one step: a row may have 64 KiB. */
const STEP = 20
/** Most held records that one call returns. */
const MAX_HELD = 1_000

/** A row of `held_delivery`. */
interface Row extends LedgerEntry {
  readonly number: number
  readonly view: string
  readonly sums: number
}

const DUE = `
  SELECT number, view, id, json, sums, is_due FROM mediaward.held_delivery JOIN (
    SELECT view, min(came) <= now() - ${HOLD} AS is_due FROM mediaward.held_delivery GROUP BY view
    HAVING min(came) <= now() - ${HOLD} OR count(*) > ${MAX_ROWS} ORDER BY min(came) LIMIT ${STEP}
  ) AS due USING (view) ORDER BY view, number`

// Both change nothing if another process has changed the view's first row. Rows of a view get rising numbers, one round after
// the other, so a process that takes some of them takes the first one.
const rest = `DELETE FROM mediaward.held_delivery
  WHERE number IN (SELECT value::bigint FROM json_array_elements_text($3::text::json)) AND EXISTS (SELECT FROM first)`

/** Puts the rows of a view together into its first one: its number and sums, and the numbers of the others. */
const COMBINE = `
  WITH first AS (
    UPDATE mediaward.held_delivery SET json = $4, sums = $5 WHERE number = $1 AND sums = $2 RETURNING number
  ), rest AS (${rest}) SELECT FROM first`

/** Moves a view to the inbox, as records that are to get an index. */
const RELEASE = `
  WITH first AS (DELETE FROM mediaward.held_delivery WHERE number = $1 AND sums = $2 RETURNING number), rest AS (${rest})
  INSERT INTO mediaward.inbox (${INBOX_COLUMNS.names})
  SELECT ${INBOX_COLUMNS.names} FROM json_to_recordset($4::text::json) AS entry (${INBOX_COLUMNS.types}), first`

const FORGET = `
  DELETE FROM mediaward.held_id WHERE id IN (
    SELECT id FROM mediaward.held_id WHERE came < now() - ${KNOWN} ORDER BY came LIMIT ${MAX_FORGOTTEN}
  )`

/**
 * Gives the views that are due to the next round, and puts those together that have many sums. Any process may do it at any
 * time, and be stopped in between: each view is changed by one statement.
 *
 * @returns whether there may be more to do at once
 */
export async function settleDeliveries(session: Session): Promise<boolean> {
  const views = byView(await session.query<Row & { is_due: boolean }>(DUE))
  for (const rows of views) {
    const [first, ...others] = rows
    const [merged, ...more] = mergeAll(rows)
    if (first === undefined || merged === undefined) continue
    const changed = [first.number, first.sums, JSON.stringify(others.map(({ number }) => number))] as const
    // What does not fit into one record gets its index at once.
    if (first.is_due || more.length > 0) {
      const entries = [merged, ...more].map(entry => ({ ...inboxRow(entry), view: null }))
      await session.query(RELEASE, ...changed, JSON.stringify(entries))
    } else {
      const sums = rows.reduce((sum, row) => sum + row.sums, 0)
      await session.query(COMBINE, ...changed, merged.json, sums)
    }
  }
  await session.query(FORGET)
  return views.length === STEP
}

/** Returns the deliveries that are held and match a query, those of each view as they are so far. */
export async function heldDeliveries(session: Session, query: AskedQuery): Promise<readonly LedgerEntry[]> {
  const rows = await session.query<Row>(
    'SELECT number, view, id, json, sums FROM mediaward.held_delivery ORDER BY view, number',
  )
  const fields = fieldsAsked(query)
  return byView(rows)
    .flatMap(mergeAll)
    .filter(({ json }) => isWanted(json, query, fields))
    .slice(0, MAX_HELD)
}

function byView<Held extends Row>(rows: readonly Held[]): readonly (readonly Held[])[] {
  return [...Map.groupBy(rows, ({ view }) => view).values()]
}

/** Puts sums together, in the order of coming: into one record, or into several if one is too small for them. */
function mergeAll(sums: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const merged: LedgerEntry[] = []
  for (const { id, json } of sums) {
    const last = merged.at(-1)
    const both = last && mergeDeliveries(last.json, json)
    if (last === undefined || both === undefined) merged.push({ id, json })
    else merged[merged.length - 1] = { id: last.id, json: both }
  }
  return merged
}
