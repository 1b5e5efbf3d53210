import type { EventKind } from './event.ts'

/** A record as it is stored: its canonical JSON, and the id that makes storing it twice the same as once. */
export interface LedgerEntry {
  readonly id: string
  readonly json: string
}

/** A record as it is read. */
export interface ReadEntry extends LedgerEntry {
  /** Place in the log's one order: 0, 1, 2 and so on without a gap, the same for ever. */
  readonly index: number
}

/** Members of a record that a query can ask a value of. */
export const QUERY_FIELDS = ['subject', 'owner', 'recording', 'release', 'reason'] as const
/** The name of a member that a query can ask a value of. */
export type QueryField = (typeof QUERY_FIELDS)[number]

/** What a query asks of a member: one value, or several, of which a record must have one. At least one, at most 16. */
export type QueryValue = string | readonly string[]

/** Which records to read. Each member narrows the page further. */
export interface LedgerQuery extends Readonly<Partial<Record<QueryField, QueryValue>>> {
  /** The `cursor` of an earlier page: reads on from there, in the order that this query asks for. */
  readonly after?: string
  /** The lowest index to read, of the oldest first. Not together with `after`. */
  readonly from?: number
  /** Most records on the page, 1 to 1000. */
  readonly limit: number
  /** The order of the page: from the record with the lowest index on (`oldest`, the default), or from the last one back. */
  readonly order?: 'oldest' | 'newest'
  /**
   * Only records whose `recorded` is at this time or later (ISO 8601, UTC). For a record without that member, `t`
   * counts. To follow the log, pass `after` alone: a record that comes back late from the spool has a new place in the log
   * and an old time.
   */
  readonly since?: string
  /** Only records whose `recorded` is before this time (ISO 8601, UTC), also those that came back late from the spool. */
  readonly until?: string
  /** Only records of this kind. Default: all. */
  readonly kind?: EventKind
  /**
   * Only records of this tenant: their caller's, their recording's, or that of a recording in a list. Default: all.
   * `default` and `unnamed` are what the log calls a tenant that it can't name; they find nothing. Together with `owner`,
   * only records about a recording of the tenant: whether a query finds something must not say who owns another one.
   */
  readonly tenant?: string
}

/** The length of the spans that a chart counts apart. */
export type CountSpan = 'minute' | 'hour'

/** What to count. */
export interface CountQuery extends Pick<LedgerQuery, 'kind' | 'reason' | 'tenant'> {
  /**
   * The length of the spans that are counted apart. `total` is one span of all time and all tenants, in which `count` is what
   * the records add up to (`amountsOf`).
   */
  readonly by: CountSpan | 'total'
  /** Only records whose `recorded` is in the span of this time (ISO 8601, UTC) or later. */
  readonly since: string
  /** Only records whose `recorded` is in a span that begins before this time (ISO 8601, UTC). */
  readonly until: string
}

/** How many records of one kind, and of refusals for one reason, were made in a span of time. */
export interface RecordCount {
  /** When the span begins, ISO 8601, UTC. */
  readonly start: string
  readonly kind: string
  readonly reason?: string
  readonly count: number
  /**
   * Present if minutes were asked for, and this is the count of an hour. The log keeps those of minutes as long as it keeps
   * the records live.
   */
  readonly by?: 'hour'
}

/** Some records, in the order of their indexes that was asked for. */
export interface LedgerPage {
  readonly entries: readonly ReadEntry[]
  /**
   * Where to read on in the same order. Valid for ever, also if nothing was there yet. Of the oldest first it is the end of
   * the log once `more` is false, whatever the query left out.
   */
  readonly cursor: string
  /** The cursor of the log's end. What is stored later comes after it. */
  readonly end: string
  /** True if the page is from the archive, which has what was removed from the live log. No page is from both. */
  readonly archived?: true
  /**
   * True if there may be more to read at once. The page may have fewer than `limit` entries then, even none: a ledger
   * looks at a bounded number of records, and returns a bounded number of bytes, in one call. Read on from `cursor`.
   */
  readonly more: boolean
}

/**
 * Port: the append-only log.
 *
 * `append` resolves when every entry is durable: a crash right after that loses none of them. An entry whose id is in the
 * log already is not stored again, however it comes: the entry that came first stays as it is, and no index is used up.
 * The same holds for the second of two entries with one id in one call. A ledger that prunes knows the ids of what is live
 * alone: an entry that comes again after months has two indexes. `append` says nothing of an entry's index: the
 * log's one order may be made later, and elsewhere than where an entry became durable. Only readers are given an index.
 *
 * `append` rejects if it can't confirm that all entries are durable. Any of them may be stored all the same, so calling
 * it again with the same entries is always safe. It retries nothing.
 *
 * `appendAlone` does the same in a call of its own, if `append` puts those of several callers together: then an entry that can't
 * be stored fails no other caller.
 *
 * `read` shows every entry whose `append` resolved before, unless what makes the order is down or late. Reading on from a
 * page's cursor returns each entry exactly once, of the oldest first also entries stored in the meantime. It rejects with
 * {@link CursorInvalid} for a cursor of another form.
 *
 * `count` returns counts by rising time, then kind and reason, without those that are 0. It reads rollups, not records.
 *
 * A ledger may put the deliveries of a view together before it gives them an index: then `held` returns what it has so far,
 * which matches the query and is durable, too.
 *
 * `waitAfter` resolves when something may be stored after a cursor, or after so many milliseconds.
 *
 * `spool` is where records wait that the ledger can't take, if there is such a place.
 *
 * `lag` resolves to how long ago the oldest entry became durable that has no index yet, in milliseconds; to 0 if each has
 * one. A ledger that gives the index at once has no lag.
 *
 * `archiveLag` resolves to how long ago the archive had all records, in milliseconds; to 0 if it has all. A ledger without an
 * archive has none.
 */
export interface Ledger {
  readonly spool?: LedgerSpool
  append(entries: readonly LedgerEntry[]): Promise<void>
  appendAlone?(entries: readonly LedgerEntry[]): Promise<void>
  read(query: LedgerQuery): Promise<LedgerPage>
  count(query: CountQuery): Promise<readonly RecordCount[]>
  held(query: Omit<LedgerQuery, 'limit'>): Promise<readonly LedgerEntry[]>
  waitAfter(cursor: string, milliseconds: number): Promise<void>
  readonly lag?: () => Promise<number>
  readonly archiveLag?: () => Promise<number>
}

/**
 * Port: where a record waits while the ledger can't take it. It must not share the ledger's storage.
 *
 * `keep` resolves only when the entry is durable. `waiting` lists entries that are kept, in the order of their ids: all of
 * them, or those whose id comes after `after`. It lists at least one if there are any, and at most `limit`. `drop` forgets
 * entries, and ignores ids that it doesn't have. It is called only when the ledger has them.
 */
export interface LedgerSpool {
  keep(entry: LedgerEntry): Promise<void>
  waiting(limit: number, after?: string): Promise<readonly LedgerEntry[]>
  drop(ids: readonly string[]): Promise<void>
}

/** A cursor that no page of this ledger has named. */
export class CursorInvalid extends Error {
  override readonly name = 'CursorInvalid'
}

/**
 * Reads a cursor that is a number.
 *
 * @throws CursorInvalid
 */
export function parseCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (!/^\d{1,15}$/.test(cursor)) throw new CursorInvalid()
  return Number(cursor)
}
