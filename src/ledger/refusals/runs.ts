import { LruCache } from '../../base/lru-cache.ts'
import { logFault } from '../../base/storage-fault.ts'
import { beginWait, type Wait, type WaitUntil, withTimeout } from '../../base/timeout.ts'
import {
  type Coalescing,
  type Kept,
  Kind,
  type ObservedRefusal,
  RecordingIds,
  type RefusalRecord,
} from './coalescing.ts'

/**
 * Resolves when a record is durable, or when a durable one represents it; rejects if it can't be.
 *
 * @param waitUntil of the request whose answer waits; absent if none does
 */
export type RecordRefusal = (record: RefusalRecord, waitUntil?: WaitUntil) => Promise<unknown>

/** Refusals with one key, within one window. */
interface Run {
  /** When its first refusal came, in milliseconds since 1970. */
  readonly since: number
  /** How many are recorded on their own. */
  readonly single: number
  /** How many there were. */
  count: number
  /** The record that represents the rest, once there is one. */
  representative?: Representative
}

/** A record that represents all further refusals of its run. */
interface Representative {
  readonly id: string
  /** When the window ends, in milliseconds since 1970. */
  readonly end: number
  /**
   * `pending` until its record is durable, `open` while it takes counts, `written` from the moment its counts are being
   * written.
   */
  state: 'pending' | 'open' | 'written'
  readonly recorded: Promise<void>
  /** Until its counts are written; undefined while it is pending. */
  wait?: Wait
  /** When that wait began. */
  waitsSince: number
  readonly kinds: Map<string, Kind>
}

/** Longest wait until counts are written, in milliseconds: within what Workers let a request go on after its answer. */
const MAX_WAIT = 20_000
/** A request takes over the wait of one that came so much earlier. So the last of many waits, however long they go on. */
const TAKE_OVER = 10_000
/** How often the isolate looks for counts that are due, and whose request Workers ended. */
const LOOK = 1_000
/** Most kinds that one run counts while no store takes records. Of a further one only the last resort has the record. */
const MAX_UNRECORDED = 256
/** How long to wait for a record that another request has begun: if that one was cut off, it may never end. */
const PATIENCE = 5_000

/** Where a refusal is on record. */
export interface OnRecord {
  /** Of its record, or of the one that represents it. */
  readonly id: string
  /** Milliseconds until the window ends, if it is not one of those that are recorded on their own. */
  readonly left?: number
  /** Of one that is represented: resolves when the first of its kind is on record too, or can't be. */
  readonly tried?: Promise<unknown>
}

/** Records the refusals of one isolate: the first few of a run each on its own, the rest of it as counts. */
export class Runs {
  readonly #coalescing: Coalescing
  readonly #record: RecordRefusal
  readonly #now: () => number
  readonly #kept: Kept
  readonly #runs: LruCache<Run>
  readonly #open = new Set<Representative>()
  /** Records of kinds that are on their way while their answers may have left. */
  readonly #underWay = new Set<Promise<unknown>>()
  #looked = 0

  constructor(coalescing: Coalescing, record: RecordRefusal, now: () => number) {
    this.#coalescing = coalescing
    this.#record = record
    this.#now = now
    this.#kept = { sample: coalescing.sample, recordings: new RecordingIds(coalescing, now) }
    this.#runs = new LruCache(coalescing.maxRuns)
  }

  /** Resolves when a refusal is durable, or a durable record represents it; rejects if it can't be. */
  async record(key: string, refusal: ObservedRefusal, waitUntil: WaitUntil): Promise<OnRecord> {
    this.#writeOverdue(waitUntil)
    const run = this.#runOf(key, waitUntil)
    run.count += 1
    if (run.count <= run.single) {
      await this.#record(refusal, waitUntil)
      return { id: refusal.id }
    }
    const left = run.since + this.#coalescing.window - this.#now()
    const known = run.representative
    const representative = known ?? this.#represent(run, refusal, waitUntil)
    try {
      if (known === undefined) await representative.recorded
      else if (known.state === 'pending') await withTimeout(PATIENCE, known.recorded)
    } catch (error) {
      // The next one tries again.
      if (run.representative === representative) delete run.representative
      if (known === undefined) throw error
      // No record represents this one, so it gets one of its own.
      await this.#record(refusal, waitUntil)
      return { id: refusal.id, left }
    }
    const { id } = representative
    if (known === undefined) return { id, left }
    if (representative.state !== 'open') {
      await this.#record(this.#further(representative, refusal), waitUntil)
      return { id, left }
    }
    if (this.#now() - representative.waitsSince >= TAKE_OVER) waitUntil(this.#finishLater(representative))
    return { id, left, tried: this.#count(representative, refusal, waitUntil) }
  }

  /** Returns whether the refusals of a run are no longer recorded on their own. */
  isFull(key: string): boolean {
    const run = this.#runs.get(key)
    return run !== undefined && run.count > run.single && this.#now() - run.since < this.#coalescing.window
  }

  /** Adds refusals that were answered before to the counts of a run. Returns false if it takes none. */
  add(key: string, refusal: ObservedRefusal, count: number): boolean {
    const { representative } = this.#runs.get(key) ?? {}
    const name = this.#coalescing.kindOf(refusal)
    if (representative?.state !== 'open' || name === undefined) return false
    const kind = representative.kinds.get(name) ?? new Kind(refusal, Promise.resolve())
    representative.kinds.set(name, kind)
    kind.add(refusal, count, this.#kept)
    return true
  }

  /** Records counts that are not on record yet. For when a process ends. */
  async flush(): Promise<void> {
    // What fails of these goes with the counts.
    await Promise.all(this.#underWay)
    await Promise.all([...this.#open].map(representative => this.#finish(representative)))
  }

  #runOf(key: string, waitUntil: WaitUntil): Run {
    const now = this.#now()
    const { window, single, goesOn } = this.#coalescing
    const known = this.#runs.get(key)
    if (known !== undefined && now - known.since < window && known.representative?.state !== 'written') {
      return known
    }
    const follows = goesOn && known !== undefined && known.count > single && now - known.since < 2 * window
    const run: Run = { since: now, single: follows ? 0 : single, count: 0 }
    // On Workers the request that was to write the counts of the one before may have been ended.
    for (const one of [known, this.#runs.set(key, run)]) {
      if (one?.representative) waitUntil(this.#finish(one.representative))
    }
    return run
  }

  /** Begins the record that represents all further refusals of a run until its window ends. */
  #represent(run: Run, refusal: ObservedRefusal, waitUntil: WaitUntil): Representative {
    const end = run.since + this.#coalescing.window
    const opening = this.#coalescing.first(refusal, new Date(end).toISOString())
    const recorded = this.#record(opening, waitUntil).then(() => {
      representative.state = 'open'
      this.#open.add(representative)
    })
    const name = this.#coalescing.kindOf(refusal)
    const kinds = new Map(name === undefined ? [] : [[name, new Kind(refusal, recorded)]])
    const { id } = refusal
    const representative: Representative = {
      id,
      end,
      state: 'pending',
      recorded,
      waitsSince: this.#now(),
      kinds,
    }
    run.representative = representative
    waitUntil(recorded.then(() => this.#finishLater(representative)).catch(() => {}))
    return representative
  }

  #further({ id, end }: Representative, refusal: ObservedRefusal): RefusalRecord {
    return this.#coalescing.further(refusal, id, new Date(end).toISOString())
  }

  /** Counts a refusal that a durable record represents. The first of its kind gets a record of its own. */
  #count(representative: Representative, refusal: ObservedRefusal, waitUntil: WaitUntil): Promise<unknown> {
    const { kinds } = representative
    const { maxKinds } = this.#coalescing
    const kind = this.#coalescing.kindOf(refusal)
    const name = kind ?? refusal.id
    const known = kinds.get(name)
    if (known !== undefined) {
      known.add(refusal, 1, this.#kept)
      return known.tried
    }
    const tried: Promise<unknown> = this.#record(this.#further(representative, refusal), waitUntil)
      // The caller is answered the same, whatever becomes of this record: it is tried again with the counts. Once these are
      // written, only the last resort has it.
      .catch(() => {
        const counted = kinds.get(name) ?? added
        counted.add(refusal, 1, this.#kept)
        if (kinds.size < MAX_UNRECORDED) kinds.set(name, counted)
      })
      .finally(() => this.#underWay.delete(tried))
    const added = new Kind(refusal, tried)
    this.#underWay.add(tried)
    waitUntil(tried)
    if (kind !== undefined && kinds.size < maxKinds) kinds.set(name, added)
    return tried
  }

  /** Writes the counts of a run at the end of its window, or earlier if no refusal takes over the wait. */
  async #finishLater(representative: Representative): Promise<void> {
    representative.wait?.end()
    representative.waitsSince = this.#now()
    const wait = beginWait(Math.min(MAX_WAIT, representative.end - this.#now()))
    representative.wait = wait
    await wait.over
    if (representative.wait === wait) await this.#finish(representative)
  }

  #writeOverdue(waitUntil: WaitUntil): void {
    const now = this.#now()
    if (now - this.#looked < LOOK) return
    this.#looked = now
    for (const one of this.#open) if (one.end <= now) waitUntil(this.#finish(one))
  }

  /** Writes the counts of a run. It counts no more after that: the run's next refusal begins another run. */
  async #finish(representative: Representative): Promise<void> {
    if (!this.#open.delete(representative)) return
    representative.state = 'written'
    representative.wait?.end()
    const { id, kinds } = representative
    const writing = [...kinds.values()].filter(({ count }) => count > 0)
    // Each on its own: were the first to fail to end this, Workers could end the writing of the others.
    const written = Promise.all(
      writing.map(kind =>
        this.#record(this.#coalescing.total(kind, id)).catch((error: unknown) =>
          logFault(`how often a refusal was repeated is not on record, event ${id}`, error),
        ),
      ),
    )
    // The run may be known for long, and what it kept is large.
    kinds.clear()
    await written
  }
}
