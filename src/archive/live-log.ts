import { StorageFault } from '../base/storage-fault.ts'
import type { Span } from '../ledger/query/span.ts'
import type { TablePage, TableQuery } from '../ledger/query/table-page.ts'
import type { Segment } from './manifest.ts'

/** Another process is the log by now, as happens in a fleet, and goes on where this one stops. */
export class Overtaken extends StorageFault {}

/** Which indexes the live log has. */
export interface LiveBounds {
  /** The index of its first record. Those before are in the archive alone. */
  readonly first: number
  /** The index that the next record will have. */
  readonly end: number
}

/**
 * Port: the live log.
 *
 * `read` returns a page of what is live. Others may work while it does, and prune: what is pruned meanwhile may be missing. Apart
 * from that, of the oldest first and without a filter, it has at least one record if there is one. A page of the newest first
 * without more behind it has the cursor of the first live record, or that of the query if it is before that.
 *
 * `prune` removes some of the first records, none of them at `below` or above, with all that leads to them, and lets others
 * work before it resolves. It may keep the newest ones whatever it is asked, and returns whether there is more to remove. An
 * index that was given stays given, also when all records are pruned. It rejects with {@link Overtaken} if another process is
 * the log.
 *
 * `cursorAt` returns the cursor of a place, which is after so many records, and `placeAt` the place of a cursor.
 */
export interface LiveLog {
  bounds(): Promise<LiveBounds>
  read(query: TableQuery): Promise<TablePage>
  prune(below: number): Promise<boolean>
  cursorAt(place: number): number
  placeAt(cursor: number): number
}

/** Which segments to find. */
export interface SegmentQuery extends Span {
  /** Only segments with a record that was made at this time or later, in milliseconds since 1970. */
  readonly since: number
  /** Only segments with a record that was made before this time. */
  readonly until: number
  readonly isNewestFirst: boolean
  readonly limit: number
}

/**
 * Port: the manifest as the log keeps it beside its records. A copy of each entry is in the archive itself.
 *
 * `add` and `remove` resolve when that is durable, and reject as `prune` does. An entry takes the place of an earlier one that begins at the same index.
 * `find` returns segments that overlap a span, in the order asked for.
 */
export interface Manifest {
  first(): Promise<Segment | undefined>
  last(): Promise<Segment | undefined>
  find(query: SegmentQuery): Promise<readonly Segment[]>
  add(segment: Segment): Promise<void>
  remove(first: number): Promise<void>
}
