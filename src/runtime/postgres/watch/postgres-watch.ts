// Those of Deno itself have no `unref` in 2.5.
import { clearInterval, setInterval, setTimeout } from 'node:timers'
import { Overtaken } from '../../../archive/live-log.ts'
import { logFault, NOT_SHOWN, StorageFault } from '../../../base/storage-fault.ts'
import type { ReadEntry } from '../../../ledger/ledger.ts'
import type { RuleEngine, WindowState } from '../../../watch/detection.ts'
import type { Changes } from '../../../watch/finding.ts'
import { FindingBook } from '../../../watch/finding-book.ts'
import { isFindingRecord } from '../../../watch/findings/finding-record.ts'
import { MAX_REPLAYED, REPLAYED, type Watching } from '../../../watch/watching.ts'
import type { LogWork } from '../elected-log.ts'
import { settleDeliveries } from '../held-deliveries.ts'
import type { Session } from '../session.ts'
import type { WatchStore } from './watch-store.ts'

/** Most records that are looked at together. */
const PAGE = 500
/** How far the rules are is stored with what they find, else once in so many milliseconds. What is looked at again finds nothing. */
const STORE_EVERY = 5_000
/** How long to wait after a fault, in milliseconds. */
const PAUSE = 1_000
/** How often it is looked which findings are to be escalated, in milliseconds. */
const LOOK_EVERY = 10_000

/** What is kept in memory while this process is the log. */
interface Memory {
  readonly engine: RuleEngine
  readonly book: FindingBook
  readonly canaries: Set<string>
  /** That of the position that was stored last. */
  version: number
  /** The index of the first record that was not looked at. */
  next: number
  /** When the position was stored last, on the process's clock. */
  storedAt: number
}

/** What watching needs. */
export interface PostgresWatchServices {
  readonly store: WatchStore
  /** The session that has the lock of the log, if this process is it. */
  readonly ordering: Session
  readonly watching: Watching
  now(): number
}

/**
 * Runs the rules of a fleet in the process that is the log. They follow the log's records by their index. What they find is stored
 * together with how far they are, so that a process that is killed at any moment leaves nothing that is found twice or never.
 */
export class PostgresWatch implements LogWork {
  readonly #services: PostgresWatchServices
  #memory: Memory | undefined
  #isLog = false
  /** Whether it is to look at records, and has not begun yet. */
  #isCalled = false
  #timer: ReturnType<typeof setInterval> | undefined
  /** One thing after the other: what is in memory is only right between them. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(services: PostgresWatchServices) {
    this.#services = services
  }

  /** Whether this process is the log. */
  get isLog(): boolean {
    return this.#isLog
  }

  begin(): void {
    this.#isLog = true
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.wake(), LOOK_EVERY)
    // A timer is no reason for a process to stay.
    this.#timer.unref()
    this.wake()
  }

  wake(): void {
    if (this.#isCalled || !this.#isLog) return
    this.#isCalled = true
    void this.#alone(() => this.#follow())
  }

  end(): void {
    this.#isLog = false
    clearInterval(this.#timer)
    void this.#alone(async () => this.#forget())
  }

  /**
   * Has the book change something, and stores and records that.
   *
   * @param work returns something else than changes if nothing is to be changed
   */
  change<Refused>(
    work: (book: FindingBook, now: number, canaries: ReadonlySet<string>) => Promise<Changes | Refused>,
  ): Promise<Changes | Refused> {
    return this.#alone(async () => {
      if (!this.#isLog) throw new StorageFault('this process is no longer the log')
      try {
        const memory = await this.#load()
        const changes = await work(memory.book, this.#services.now(), memory.canaries)
        if (isChanges(changes)) await this.#store(memory, changes, [])
        return changes
      } catch (error) {
        this.#forget()
        throw error
      }
    })
  }

  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  #forget(): void {
    this.#memory = undefined
  }

  /** Looks at all records that it has not looked at, and escalates what has waited too long. Never rejects. */
  async #follow(): Promise<void> {
    this.#isCalled = false
    try {
      while (this.#isLog && (await this.#step()));
      if (this.#isLog) await this.#escalate()
    } catch (error) {
      this.#forget()
      if (!(error instanceof Overtaken) && this.#isLog) logFault('the rules wait', error, NOT_SHOWN)
      // A timer is no reason for a process to stay.
      setTimeout(() => this.wake(), PAUSE).unref()
    }
  }

  /** Looks at some records. Returns whether there may be more. */
  async #step(): Promise<boolean> {
    const memory = await this.#load()
    const entries = await this.#services.store.recordsFrom(memory.next, PAGE)
    const last = entries.at(-1)
    if (last === undefined) return false
    const found = await this.#look(
      memory,
      entries.filter(({ json }) => !isFindingRecord(json)),
    )
    memory.next = last.index + 1
    const isDue = performance.now() - memory.storedAt > STORE_EVERY
    if (found === undefined || found.windows.length > 0 || found.changes.findings.length > 0 || isDue) {
      await this.#store(memory, found?.changes ?? memory.book.apply([], this.#services.now()), found?.windows)
    }
    if (found === undefined) this.#forget()
    return entries.length === PAGE
  }

  async #escalate(): Promise<void> {
    const memory = await this.#load()
    const now = this.#services.now()
    if (memory.book.due <= now) await this.#store(memory, memory.book.escalate(now))
  }

  /** Returns what the rules find. Undefined if one failed: then these records are not looked at, and the operator hears of it. */
  async #look({ engine, book }: Memory, records: readonly ReadEntry[]) {
    const failed = (error: unknown) => {
      logFault(`the rules failed at ${records.length} records, which they have not watched`, error, NOT_SHOWN)
      return undefined
    }
    const keys = attempt(() => engine.needs(records), failed)
    if (keys === undefined) return undefined
    const stored = await this.#services.store.windows(keys)
    return attempt(() => {
      const { detections, windows } = engine.observe(records, stored)
      return { windows, changes: book.apply(detections, this.#services.now()) }
    }, failed)
  }

  async #store(memory: Memory, changes: Changes, windows: readonly WindowState[] = []): Promise<void> {
    const { store, ordering, now } = this.#services
    await store.store(memory.version, memory.next, { changes, windows, now: now() })
    memory.version += 1
    memory.storedAt = performance.now()
    for (const id of changes.canaries) memory.canaries.add(id)
    if (changes.opened.length === 0) return
    // They are due by now: if this fails, the next settling gives them their index.
    const settling = async () => {
      while (await settleDeliveries(ordering));
    }
    await settling().catch(error => logFault('deliveries wait for their index', error, NOT_SHOWN))
  }

  /** Returns what is in memory: the engine has seen what was recorded shortly before the position. */
  async #load(): Promise<Memory> {
    if (this.#memory !== undefined) return this.#memory
    const { store, watching, now } = this.#services
    const { version, next, seq } = await store.position()
    const book = new FindingBook(watching, { ...(await store.book(now())), seq })
    const canaries = new Set(await store.canaries())
    const engine = await this.#replayed(next, () => watching.engine(() => canaries))
    this.#memory = { engine, book, canaries, version, next, storedAt: performance.now() }
    return this.#memory
  }

  async #replayed(next: number, create: () => RuleEngine): Promise<RuleEngine> {
    const { store, now } = this.#services
    const engine = create()
    const since = now() - REPLAYED
    let from = Math.max(0, next - MAX_REPLAYED)
    for (;;) {
      const page = await store.recordsSince(since, [from, next], PAGE)
      const records = page.filter(({ json }) => !isFindingRecord(json))
      const isSeen = attempt(
        () => {
          engine.replay(records)
          return true
        },
        error => {
          logFault('the rules failed at records from before the start', error, NOT_SHOWN)
          return undefined
        },
      )
      if (isSeen === undefined) return create()
      if (page.length < PAGE) return engine
      from = (page.at(-1)?.index ?? next) + 1
    }
  }
}

function attempt<Result>(work: () => Result, failed: (error: unknown) => undefined): Result | undefined {
  try {
    return work()
  } catch (error) {
    return failed(error)
  }
}

const isChanges = (changes: unknown): changes is Changes =>
  typeof changes === 'object' && changes !== null && 'records' in changes
