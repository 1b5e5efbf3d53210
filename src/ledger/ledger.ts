import type { EventKind } from './event.ts'

/** A record as it is stored: its canonical JSON, and the id that makes storing it twice the same as once. */
export interface LedgerEntry {
  readonly id: string
  readonly json: string
}

/** Which records to read. */
export interface LedgerQuery {
  /** The `cursor` of an earlier page: only what was stored after it. */
  readonly after?: string
  /** Most records on the page, 1 to 1000. */
  readonly limit: number
  /**
   * Only records whose `recorded` is at this time or later (ISO 8601, UTC); of a record from before there was such a
   * member, `t`. To go on reading, pass `after` without it: a record that comes back late from the overflow is new in its
   * place, and old by its time.
   */
  readonly since?: string
  /** The newest `limit` records instead of the oldest. */
  readonly latest?: boolean
  /** Only records of this kind. Default: all. */
  readonly kind?: EventKind
  /** Only records of this tenant: their caller's, their recording's, or that of a recording in a list. Default: all. */
  readonly tenant?: string
}

/** Some records, oldest first. */
export interface LedgerPage {
  readonly entries: readonly LedgerEntry[]
  /**
   * Where to go on reading; good for ever, also if nothing was there yet. Once there is no more, it is the end of the log,
   * whatever the query left out.
   */
  readonly cursor: string
  /** True where more may be there to read at once. */
  readonly more: boolean
}

/**
 * Port: the append-only log.
 *
 * `record` resolves only when the entry is durable: a crash right after it loses nothing. An entry with an id that is
 * already there is not stored again. It rejects where it can't tell that the entry is durable; the entry may be
 * stored all the same. It retries nothing.
 *
 * `read` returns the entries in the order of their ids, which is their order in time, within a page; reading on from
 * its cursor returns each entry exactly once, also those that were stored in the meantime.
 */
export interface Ledger {
  record(entry: LedgerEntry): Promise<void>
  read(query: LedgerQuery): Promise<LedgerPage>
}

/**
 * Port: where a record is kept while the ledger can't take it. Independent of the ledger's own storage.
 *
 * `keep` resolves only when the entry is durable. `waiting` lists entries that are kept, some of them at least where
 * there are any. `drop` forgets some; it is called only once the ledger has them.
 */
export interface LedgerSpool {
  keep(entry: LedgerEntry): Promise<void>
  waiting(limit: number): Promise<readonly LedgerEntry[]>
  drop(ids: readonly string[]): Promise<void>
}

/** A cursor that no page of this ledger has named. */
export class CursorInvalid extends Error {
  override readonly name = 'CursorInvalid'
}
