import { logFault, NOT_SHOWN } from '../../../base/storage-fault.ts'
import type { LedgerEntry, ReadEntry } from '../../../ledger/ledger.ts'
import type { RuleEngine, WatchedRecord } from '../../../watch/detection.ts'
import type { Changes, Finding } from '../../../watch/finding.ts'
import { FindingBook } from '../../../watch/finding-book.ts'
import { isFindingRecord } from '../../../watch/findings/finding-record.ts'
import { MAX_REPLAYED, REPLAYED, type Watching } from '../../../watch/watching.ts'
import type { EventTable } from '../event-table.ts'
import type { WatchTables } from './watch-tables.ts'

/** What came of some records. */
export interface Watched {
  /** Records that the log writes of it. */
  readonly records: readonly LedgerEntry[]
  /** Findings that are new. */
  readonly opened: readonly Finding[]
}

const NOTHING: Watched = { records: [], opened: [] }

/** Most records of one look back. */
const PAGE = 1_000

/**
 * Runs the rules inside the log, in the transaction that gives records their indexes: so there is no record without its finding,
 * and no finding twice.
 */
export class LogWatch {
  readonly tables: WatchTables
  readonly #events: EventTable
  readonly #watching: Watching
  // What is kept in memory. Undefined if it has to be made from what is stored.
  #engine: RuleEngine | undefined
  #book: FindingBook | undefined
  #canaries: Set<string> | undefined

  constructor(tables: WatchTables, events: EventTable, watching: Watching) {
    this.tables = tables
    this.#events = events
    this.#watching = watching
  }

  /** Forgets what is in memory, as a transaction failed of which it holds something. */
  forget(): void {
    this.#engine = undefined
    this.#book = undefined
    this.#canaries = undefined
  }

  /**
   * Looks at records that were just given their indexes, and stores what the rules find. To be called in their transaction.
   *
   * A rule that fails must not keep a refusal from being on record: then these records are not looked at, and the operator hears
   * of it.
   */
  observe(entries: readonly ReadEntry[], now: number): Watched {
    const records = entries.filter(({ json }) => !isFindingRecord(json))
    const [first] = records
    if (first === undefined) return NOTHING
    const book = this.#loaded(now)
    // It has seen what was recorded shortly before.
    this.#engine ??= this.#replayed(first.index, now)
    const engine = this.#engine
    const found = this.#look(records, () => {
      const { detections, windows } = engine.observe(records, this.tables.windows(engine.needs(records)))
      return { windows, changes: detections.length === 0 ? undefined : book.apply(detections, now) }
    })
    if (found === undefined) return NOTHING
    this.tables.storeWindows(found.windows, now)
    if (found.changes === undefined) return NOTHING
    this.tables.store(found.changes)
    return found.changes
  }

  /** Has the book change something, and stores and records that. To be called in a transaction. */
  change<Refused>(work: (book: FindingBook) => Changes | Refused, now: number): Changes | Refused {
    const changes = work(this.#loaded(now))
    if (isChanges(changes)) {
      this.tables.store(changes)
      for (const id of changes.canaries) this.canaries.add(id)
      this.#events.append(changes.records)
    }
    return changes
  }

  /** The ids of the canary recordings. */
  get canaries(): Set<string> {
    this.#canaries ??= new Set(this.tables.canaries())
    return this.#canaries
  }

  /** When the next finding is to be escalated, in milliseconds since 1970. */
  due(now: number): number {
    return this.#loaded(now).due
  }

  /** Escalates what has waited too long. To be called in a transaction. */
  escalate(now: number): void {
    if (this.due(now) <= now) this.change(book => book.escalate(now), now)
  }

  #look<Found>(records: readonly WatchedRecord[], look: () => Found): Found | undefined {
    try {
      return look()
    } catch (error) {
      logFault(`the rules failed at ${records.length} records, which they have not watched`, error, NOT_SHOWN)
      this.forget()
      return undefined
    }
  }

  #loaded(now: number): FindingBook {
    this.#book ??= new FindingBook(this.#watching, this.tables.state(now))
    return this.#book
  }

  #createEngine(): RuleEngine {
    return this.#watching.engine(() => this.canaries)
  }

  /** Returns an engine that has seen what was recorded shortly before an index. */
  #replayed(index: number, now: number): RuleEngine {
    const engine = this.#createEngine()
    const since = this.#events.firstSince(now - REPLAYED) - 1
    let from = Math.max(since, index - MAX_REPLAYED)
    try {
      while (from < index) {
        const page = this.#events.between(from, Math.min(from + PAGE, index))
        engine.replay(page.filter(({ json }) => !isFindingRecord(json)))
        from += PAGE
      }
    } catch (error) {
      logFault('the rules failed at records from before the start', error, NOT_SHOWN)
      return this.#createEngine()
    }
    return engine
  }
}

const isChanges = (changes: unknown): changes is Changes =>
  typeof changes === 'object' && changes !== null && 'records' in changes
