import { ArchiveReader } from './archive-reader.ts'
import type { ArchiveStore } from './archive-store.ts'
import { ArchivedSegments } from './archived-segments.ts'
import { Archiver } from './archiver.ts'
import type { KeepLimits } from './keep-options.ts'
import { KeptLog } from './kept-log.ts'
import type { LiveLog, Manifest } from './live-log.ts'

/** Where the records of a log are archived, and when they are pruned. */
export interface Keeping {
  readonly archive: ArchiveStore
  readonly limits: KeepLimits
}

/** A log with an archive. */
export interface ArchivedLog {
  /** The live log and the archive, as readers see them. */
  readonly log: KeptLog
  /** Archives and prunes the live log, a step at a time. */
  readonly archiver: Archiver
}

/**
 * Puts an archive behind a live log.
 *
 * @param now the clock, in milliseconds since 1970
 */
export function keepLog(
  live: LiveLog,
  manifest: Manifest,
  { archive, limits }: Keeping,
  now: () => number,
): ArchivedLog {
  const segments = new ArchivedSegments(archive)
  return {
    log: new KeptLog(live, new ArchiveReader(manifest, segments)),
    archiver: new Archiver({ log: live, manifest, segments, limits, now }),
  }
}
