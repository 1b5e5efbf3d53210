import { logToOperator } from '../base/operator.ts'
import { logFault, NOT_SHOWN, StorageFault } from '../base/storage-fault.ts'
import { parseEvent, recordedAt } from '../ledger/query/terms.ts'
import type { ArchivedSegments } from './archived-segments.ts'
import type { KeepLimits } from './keep-options.ts'
import { type LiveBounds, type LiveLog, type Manifest, Overtaken } from './live-log.ts'
import { manifestOf, type Segment, segmentName } from './manifest.ts'
import { digestOf, packLines, unpackLines } from './segment.ts'
import { MOST, SegmentDraft } from './segment-draft.ts'

/** What an archiver works with. */
export interface ArchiverServices {
  readonly log: LiveLog
  readonly manifest: Manifest
  readonly segments: ArchivedSegments
  readonly limits: KeepLimits
  readonly now: () => number
}

/** How many records are read together. */
const PAGE = 250
/** How long records are collected before a segment that is not full is written, in milliseconds: each costs two objects. */
const COLLECT = 3_600_000
/** How long to wait after a failure, how often to say it again, and how often to look what may be pruned, in milliseconds. */
const PAUSE = 60_000
const SAY_AGAIN = 3_600_000
const LOOK = 60_000
const DAY = 86_400_000
/**
 * What is archived stays live for so long at least, in milliseconds, whatever the limits are: the live log knows its ids, and
 * inbox and spool may hand a record over again. Records of an earlier version may be old when they come.
 */
const STAY = { old: DAY, many: 3_600_000 }
const YEAR = 365.25 * DAY

/**
 * Follows the log: writes its records into the archive, and only then removes them from the live log. It holds up nothing and
 * refuses nothing. While the archive fails, nothing is pruned, and the live log grows beyond its limits.
 */
export class Archiver {
  readonly name = 'archive'
  readonly #services: ArchiverServices
  #isClosed = false
  #step: Promise<number> | undefined
  #retryAt = 0
  #saidAt = Number.NEGATIVE_INFINITY
  #lookAt = 0
  #expireAt = 0
  /** Index of the last record up to which the archive was found to be whole. */
  #checkedTo = -1

  constructor(services: ArchiverServices) {
    this.#services = services
  }

  /** To be called when its log is closed. A step that is under way then ends in silence, and its work is done after the next start. */
  close(): void {
    this.#isClosed = true
  }

  /** Returns how long ago the archive had all records, in milliseconds; 0 if it has all. */
  async lag(): Promise<number> {
    const { log, now } = this.#services
    const { last, waiting } = await this.#state()
    if (waiting === 0) return 0
    const [first] = last === undefined ? (await log.read({ from: 0, limit: 1 })).entries : []
    return Math.max(now() - (last?.written ?? recordedAt(parseEvent(first?.json ?? ''))), 0)
  }

  /**
   * Takes one step, or waits for the one that is under way: a process that is the log again may come upon one of before. Returns
   * when there is something to do again, in milliseconds since 1970. Never rejects.
   */
  step(): Promise<number> {
    this.#step ??= this.#takeStep().finally(() => {
      this.#step = undefined
    })
    return this.#step
  }

  async #takeStep(): Promise<number> {
    const { now } = this.#services
    if (this.#retryAt > now()) return this.#retryAt
    try {
      const next = await this.#work()
      if (this.#saidAt > 0) logToOperator('the archive takes records again')
      this.#retryAt = 0
      this.#saidAt = Number.NEGATIVE_INFINITY
      return next
    } catch (error) {
      this.#retryAt = now() + PAUSE
      if (!this.#isOver(error) && now() - this.#saidAt >= SAY_AGAIN) {
        this.#saidAt = now()
        const waiting = await this.#state().then(
          state => `: ${state.waiting} records are in the live log alone`,
          () => '',
        )
        logFault(`the archive is not written, so nothing is pruned${waiting}`, error, NOT_SHOWN)
      }
      return this.#retryAt
    }
  }

  /** Whether an error only says that the work goes on elsewhere, or later. */
  #isOver(error: unknown): boolean {
    return this.#isClosed || error instanceof Overtaken
  }

  /** Returns which segment is the last, and how many records are not in the archive yet. */
  async #state() {
    const [last, bounds] = await Promise.all([this.#services.manifest.last(), this.#services.log.bounds()])
    const next = (last?.last ?? -1) + 1
    return { last, bounds, next, waiting: bounds.end - next }
  }

  async #work(): Promise<number> {
    const { now } = this.#services
    const { last, bounds, next, waiting } = await this.#state()
    const due = (last?.written ?? Number.NEGATIVE_INFINITY) + COLLECT
    if (waiting >= MOST || (waiting > 0 && due <= now())) {
      await this.#archive(next)
      return now()
    }
    if (this.#lookAt <= now()) {
      this.#lookAt = now() + LOOK
      if ((await this.#tryToPrune(bounds)) || (await this.#expire(bounds))) {
        this.#lookAt = 0
        return now()
      }
    }
    return waiting > 0 ? due : now() + COLLECT
  }

  /** @param last the last record of the segment at most */
  async #archive(first: number, last = Number.POSITIVE_INFINITY): Promise<void> {
    const { log, segments, manifest, now } = this.#services
    const draft = await this.#read(first, last)
    const { length } = draft.lines
    await segments.createSegment(first, await packLines(draft.lines))
    // Also if it is not new: a crash may have come before its entry of the manifest, and may have left a shorter one.
    const bytes = await segments.bytesOf(first)
    if (bytes === undefined) throw new StorageFault(`${segmentName(first)} was stored, and is not there`)
    const lines = await unpackLines(bytes).catch(() => [])
    if (lines.length === 0 || lines.some((line, i) => draft.lines[i] !== line)) {
      // In a fleet another process may be the log by now, and may have written more of a log that has grown.
      const isLonger = length < lines.length && draft.lines.every((line, i) => lines[i] === line)
      if (isLonger && last === Number.POSITIVE_INFINITY && (await log.bounds()).end > first + length) return
      // The log was set back, or something else writes into its archive.
      throw new StorageFault(
        `${segmentName(first)} in the archive has other records than the log: see "A log that was set back" in docs/archive.md`,
      )
    }
    const sha256 = await digestOf(bytes)
    const segment = draft.describe({ count: lines.length, bytes: bytes.length, sha256, written: now() })
    await segments.createManifest(first, manifestOf(segment))
    if (!(await segments.manifestOf(first))?.includes(sha256)) {
      throw new StorageFault(`the manifest's entry of ${segmentName(first)} is of another segment`)
    }
    await manifest.add(segment)
  }

  /** Reads the records of the next segment. Others work in between. */
  async #read(first: number, last: number): Promise<SegmentDraft> {
    const draft = new SegmentDraft(first)
    for (;;) {
      const next = first + draft.lines.length
      const page = (await this.#services.log.read({ from: next, limit: PAGE })).entries
      if (page.length === 0) {
        // There is one, or nothing would be archived.
        if (next === first) throw missing(first)
        return draft
      }
      for (const [i, entry] of page.entries()) {
        if (draft.isFull || next + i > last) return draft
        if (entry.index !== next + i) throw missing(next + i)
        draft.add(entry)
      }
      await new Promise(resolve => setTimeout(resolve))
    }
  }

  /**
   * Prunes. A segment that is not as it was written, or a role that may not delete, keeps the gate from that alone: it archives
   * all the same, and tries again in an hour.
   */
  async #tryToPrune(bounds: LiveBounds): Promise<boolean> {
    try {
      return await this.#prune(bounds)
    } catch (error) {
      if (this.#isOver(error)) throw error
      this.#lookAt = this.#services.now() + SAY_AGAIN
      logFault('records that are in the archive stay in the live log, too', error, NOT_SHOWN)
      return false
    }
  }

  /** Removes some records from the live log if they are beyond its limits. Returns whether there may be more. */
  async #prune({ first, end }: LiveBounds): Promise<boolean> {
    const { log, manifest } = this.#services
    let below = 0
    // Two, since the live log removes whole blocks: the rest of a segment goes with the next one.
    for (const segment of await manifest.find({ ...ALL_TIMES, from: first, to: end })) {
      if (!this.#isDue(segment, end)) break
      if (segment.last > this.#checkedTo && !(await this.#isWhole(segment, first))) break
      this.#checkedTo = segment.last
      below = segment.last + 1
    }
    return below > 0 && ((await log.prune(below)) || (await log.bounds()).first > first)
  }

  #isDue({ last, until, written }: Segment, end: number): boolean {
    const { limits, now } = this.#services
    // The time of a record that a clock was wrong about keeps none for ever.
    const isOld = Math.min(until, written) < now() - limits.days * DAY && written < now() - STAY.old
    return isOld || (end - 1 - last >= limits.records && written < now() - STAY.many)
  }

  /**
   * Returns whether a segment is in the archive as it was written. If it is missing while the live log has all of it, as after
   * the restore of copies that were not taken at the same moment, it is written again, and pruned another time.
   */
  async #isWhole(segment: Segment, live: number): Promise<boolean> {
    const { segments } = this.#services
    const { first, last } = segment
    const isMissing = live <= first && (await segments.bytesOf(first)) === undefined
    if (!isMissing) {
      await segments.read(segment)
      return true
    }
    // Not the segment: in a fleet another process may just have written it again, and pruned its records.
    await segments.removeManifest(first)
    await this.#archive(first, last)
    logToOperator(`${segmentName(first)} was missing in the archive, and is written again`)
    return false
  }

  /** Removes the oldest segment if it was kept long enough. Returns whether there may be more. */
  async #expire(bounds: LiveBounds): Promise<boolean> {
    const { manifest, segments, limits, now } = this.#services
    const oldest = await manifest.first()
    if (oldest === undefined || oldest.last >= bounds.first) return false
    if (Math.min(oldest.until, oldest.written) >= now() - limits.years * YEAR || this.#expireAt > now())
      return false
    try {
      await segments.remove(oldest)
    } catch (error) {
      // A rule of the bucket may lock it longer, and must not keep the gate from archiving.
      this.#expireAt = now() + DAY
      logFault('the archive keeps segments that are older than ARCHIVE_YEARS', error, NOT_SHOWN)
      return false
    }
    // If it fails it is tried again soon: until then a reader misses the segment.
    await manifest.remove(oldest.first)
    logToOperator(
      `the archive has removed the records ${oldest.first} to ${oldest.last}, which are older than ARCHIVE_YEARS (${limits.years})`,
    )
    return true
  }
}

const missing = (index: number) =>
  new StorageFault(`record ${index} is neither in the archive nor in the live log`)

const ALL_TIMES = { since: 0, until: Number.POSITIVE_INFINITY, isNewestFirst: false, limit: 2 }
