import { ArchiveReader } from '../../src/archive/archive-reader.ts'
import {
  type ArchiveStore,
  createMemoryArchive,
  type MemoryArchive,
} from '../../src/archive/archive-store.ts'
import { ArchivedSegments } from '../../src/archive/archived-segments.ts'
import { Archiver } from '../../src/archive/archiver.ts'
import type { KeepLimits } from '../../src/archive/keep-options.ts'
import { KeptLog } from '../../src/archive/kept-log.ts'
import { eventId } from '../../src/ledger/event-id.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import type { TablePage, TableQuery } from '../../src/ledger/query/table-page.ts'
import { EventTable } from '../../src/runtime/sqlite/event-table.ts'
import { createLiveLog } from '../../src/runtime/sqlite/live-table.ts'
import { SegmentTable } from '../../src/runtime/sqlite/segment-table.ts'
import { openSqlite, type SqliteFile } from '../../src/runtime/sqlite/sqlite-file.ts'

// A log in a file of SQLite with an archive, and a clock that a test sets.

export const START: number = Date.UTC(2026, 10, 23)
export const DAY = 86_400_000

/** Creates an entry that was recorded at a time, with further members. */
export function entryAt(time: number, members: object = {}): LedgerEntry {
  const id = eventId(time)
  const recorded = new Date(time).toISOString()
  return {
    id,
    json: JSON.stringify({ id, kind: 'access', recorded, t: recorded, tenant: 'default', ...members }),
  }
}

/** A log with an archive, as it is after a start. */
export class ArchivedLog {
  readonly path: string
  readonly file: SqliteFile
  readonly store: ArchiveStore
  readonly events: EventTable
  readonly kept: KeptLog
  readonly archiver: Archiver
  readonly manifest: SegmentTable

  constructor(
    path: string,
    limits: KeepLimits,
    clock: { now: number },
    store: ArchiveStore = createMemoryArchive(),
  ) {
    this.path = path
    this.file = openSqlite(path)
    this.store = store
    this.events = new EventTable(this.file.sql)
    this.manifest = new SegmentTable(this.file)
    const segments = new ArchivedSegments(store)
    const log = createLiveLog(this.events, this.file)
    this.kept = new KeptLog(log, new ArchiveReader(this.manifest, segments))
    this.archiver = new Archiver({ log, manifest: this.manifest, segments, limits, now: () => clock.now })
  }

  /** Resolves to how many records are not in the archive. */
  async behind(): Promise<number> {
    return this.events.size - ((await this.manifest.last())?.last ?? -1) - 1
  }

  async append(entries: readonly LedgerEntry[]): Promise<void> {
    await this.file.write(() => this.events.append(entries))
  }

  read(query: TableQuery): Promise<TablePage> {
    return this.kept.read(query)
  }

  /** Reads all pages. */
  async all(query: Omit<TableQuery, 'limit'>, limit = 100): Promise<TablePage['entries']> {
    const entries: TablePage['entries'][number][] = []
    let page = await this.read({ ...query, limit })
    for (let i = 0; ; i++) {
      if (i > 10_000) throw new Error('a reader goes round in a circle')
      entries.push(...page.entries)
      if (!page.more) return entries
      page = await this.read({ ...query, limit, after: page.cursor })
    }
  }

  /** The names of the objects in an archive in memory. */
  get names(): readonly string[] {
    return 'names' in this.store ? (this.store as MemoryArchive).names : []
  }

  /** Has the archiver work until it has nothing to do. */
  async settle(clock: { readonly now: number }): Promise<number> {
    let next = await this.archiver.step()
    while (next <= clock.now) next = await this.archiver.step()
    return next
  }
}
