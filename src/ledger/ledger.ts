import type { EventKind } from './event.ts'

/** A record as it is stored: its canonical JSON, and the id that makes storing it twice the same as once. */
export interface LedgerEntry {
  readonly id: string
  readonly json: string
}

/** A record as it is read. */
export interface ReadEntry extends LedgerEntry {
  /**
   * Place in the log's one order: 0, 1, 2 and so on without a gap, the same for ever. Absent if the ledger has several
   * orders, as one on several Durable Objects has.
   */
  readonly index?: number
}

/** Whether an entry was stored now, or an entry with its id was there already. */
export type AppendOutcome = 'added' | 'present'

/** Members of a record that a query can ask a value of. */
export const QUERY_FIELDS = ['subject', 'owner', 'recording', 'release', 'reason'] as const
/** The name of a member that a query can ask a value of. */
export type QueryField = (typeof QUERY_FIELDS)[number]

/** Which records to read. Each member narrows the page further. */
export interface LedgerQuery extends Readonly<Partial<Record<QueryField, string>>> {
  /** The `cursor` of an earlier page: only what was stored after it. */
  readonly after?: string
  /** Most records on the page, 1 to 1000. */
  readonly limit: number
  /**
   * Only records whose `recorded` is at this time or later (ISO 8601, UTC). For a record without that member, `t`
   * counts. To read on, pass `after` alone: a record that comes back late from the spool has a new place in the log and
   * an old time.
   */
  readonly since?: string
  /**
   * Only records whose `recorded` is before this time (ISO 8601, UTC), also those that came back late from the spool. So
   * a ledger has to look at everything after that time, too.
   */
  readonly until?: string
  /** The newest `limit` records by their place in the log, instead of the oldest. */
  readonly latest?: boolean
  /** Only records of this kind. Default: all. */
  readonly kind?: EventKind
  /**
   * Only records of this tenant: their caller's, their recording's, or that of a recording in a list. Default: all.
   * `default` and `unnamed` are what the log calls a tenant that it can't name; they find nothing.
   */
  readonly tenant?: string
}

/** Some records, oldest first. */
export interface LedgerPage {
  readonly entries: readonly ReadEntry[]
  /**
   * Where to read on. Valid for ever, also if nothing was there yet. Once `more` is false it is the end of the log,
   * whatever the query left out.
   */
  readonly cursor: string
  /**
   * True if there may be more to read at once. The page may have fewer than `limit` entries then, even none: a ledger
   * looks at a bounded number of records, and returns a bounded number of bytes, in one call. Read on from `cursor`. With
   * `latest`, true means that older records were not looked at, and `cursor` is the end of the log all the same.
   */
  readonly more: boolean
}

/**
 * Port: the append-only log.
 *
 * `append` resolves when every entry is durable: a crash right after that loses none of them. It resolves to one outcome
 * for each entry, in the order given. An entry whose id is in the log already is `present`: nothing is stored, the entry
 * that came first stays as it is, and no index is used up. The same holds for the second of two entries with one id in
 * one call. Entries of one call get their places in the order given, as far as they are stored in one place; other calls
 * may come in between.
 *
 * `append` rejects if it can't confirm that all entries are durable. Any of them may be stored all the same, so calling
 * it again with the same entries is always safe. It retries nothing. It says nothing of an entry's index: the log's one
 * order may be made later, and elsewhere than where an entry became durable. Only readers are given an index.
 *
 * `read` changes nothing, and returns the entries of a page in the order of their ids, which is their order in time.
 * Reading on from its cursor returns each entry exactly once, also entries stored in the meantime. It rejects with
 * {@link CursorInvalid} for a cursor of another form.
 *
 * `spool` is where records wait that the ledger can't take, if there is such a place.
 */
export interface Ledger {
  readonly spool?: LedgerSpool
  append(entries: readonly LedgerEntry[]): Promise<readonly AppendOutcome[]>
  read(query: LedgerQuery): Promise<LedgerPage>
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
