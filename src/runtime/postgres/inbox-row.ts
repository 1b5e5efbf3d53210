import type { LedgerEntry } from '../../ledger/ledger.ts'
import { viewOf } from '../../ledger/merge-deliveries.ts'
import { COUNT_UNITS, tally } from '../../ledger/query/counts.ts'
import { parseEvent, recordedAt, termsOf } from '../../ledger/query/terms.ts'

/** An entry of an index of PostgreSQL holds 2,704 bytes at most, and a character may be four. */
const MAX_LENGTH = 200

/** What the log needs of a record, to give it an index without reading it. */
export interface InboxRow extends LedgerEntry {
  readonly recorded: number
  /** All that it is found by. */
  readonly terms: readonly (readonly [field: string, value: string])[]
  /** What it adds to counts: of a unit, a tenant, a start, a kind and a reason, how much. */
  readonly counts: readonly (readonly (string | number)[])[]
  /** The view that it has a sum of deliveries of, if that is to be held. */
  readonly view: string | null
}

/** The columns of {@link InboxRow}, as a statement reads them from JSON. */
export const INBOX_COLUMNS = {
  names: 'id, json, recorded, terms, counts, view',
  types: 'id text, json text, recorded bigint, terms json, counts json, view text',
} as const

/** Returns a record as the inbox has it. */
export function inboxRow({ id, json }: LedgerEntry): InboxRow {
  const event = parseEvent(json)
  const view = viewOf({ id, json })
  return {
    id,
    json,
    recorded: recordedAt(event),
    terms: termsOf(event).map(([field, value]) => [field, storedValue(value)]),
    counts: tally([event], Object.values(COUNT_UNITS)).map(
      ({ unit, tenant, start, kind, reason, count }) =>
        [unit, storedValue(tenant), start, storedValue(kind), storedValue(reason), count] as const,
    ),
    // Two views must never become one.
    view: view !== undefined && view === storedValue(view) ? view : null,
  }
}

/**
 * Returns what is stored of a value, and looked for: without what PostgreSQL can't store, and cut. Values that become the
 * same lead to each other's records; the record's JSON decides which of them matches.
 */
export function storedValue(value: string): string {
  return value.slice(0, MAX_LENGTH).replaceAll('\0', '').toWellFormed()
}
