import type { Archiver } from '../../../archive/archiver.ts'
import { keepLog } from '../../../archive/keep.ts'
import type { KeepLimits } from '../../../archive/keep-options.ts'
import type { KeptLog } from '../../../archive/kept-log.ts'
import { Followers } from '../../../follow/followers.ts'
import type { EventTable } from '../../sqlite/event-table.ts'
import { createLiveLog } from '../../sqlite/live-table.ts'
import { SegmentTable } from '../../sqlite/segment-table.ts'
import type { SqlStorage } from '../../sqlite/sql.ts'
import type { Alarm } from '../alarm.ts'
import type { Bucket } from '../bindings.ts'
import { FollowerAlarm } from '../follower-alarm.ts'
import { createR2Archive } from './r2-archive.ts'

/** The archive of the log, in the object that is the log. */
export class LogArchive {
  /** The live log and the archive, as readers see them. */
  readonly log: KeptLog
  readonly #archiver: Archiver
  readonly #followers: Followers
  readonly #clock: FollowerAlarm

  constructor(bucket: Bucket, limits: KeepLimits, storage: SqlStorage, events: EventTable, alarm: Alarm) {
    const written = { ...storage, write: async <Result>(work: () => Result) => storage.transaction(work) }
    this.#clock = new FollowerAlarm(alarm, () => this.#followers.wake())
    const archive = createR2Archive(bucket)
    const live = createLiveLog(events, written)
    const { now } = this.#clock
    const { log, archiver } = keepLog(live, new SegmentTable(written), { archive, limits }, now)
    this.log = log
    this.#archiver = archiver
    this.#followers = new Followers([this.#archiver], this.#clock)
  }

  /** Returns how long ago the archive had all records, as `Ledger.archiveLag` does. */
  lag(): Promise<number> {
    return this.#archiver.lag()
  }

  /** Has it archive and prune. To be called when something was stored. */
  wake(): void {
    this.#clock.begin()
  }

  /** To be called when the alarm goes off. Resolves when there is nothing to do, or after a while. */
  alarm(): Promise<void> {
    return this.#clock.wentOff()
  }
}
