import type { Ledger } from '../ledger/ledger.ts'
import type { Family, MetricSource } from './families.ts'

const SPOOL: Family = ['mediaward_spool_records', 'gauge', 'Records in the spool, counted up to 100.']
const AGE: Family = ['mediaward_spool_age_seconds', 'gauge', 'Age of the oldest record in the spool.']
const LAG: Family = ['mediaward_log_lag_seconds', 'gauge', 'Age of the oldest record without an index.']
const UNARCHIVED: Family = [
  'mediaward_archive_lag_seconds',
  'gauge',
  'Time since the archive had all records.',
]

/** The families of what is on its way into the log and its archive. */
export const LEDGER_FAMILIES: readonly Family[] = [SPOOL, AGE, LAG, UNARCHIVED]

/** Most records of the spool that are counted: each of them is read. */
const MAX_COUNTED = 100

/** Creates the sources of what is on its way into the log and its archive, as far as a ledger has such places. */
export function createLedgerSources(
  { spool, lag, archiveLag }: Pick<Ledger, 'spool' | 'lag' | 'archiveLag'>,
  now: () => number,
): readonly MetricSource[] {
  const sources: MetricSource[] = []
  if (spool !== undefined) {
    sources.push({
      name: 'spool',
      async read() {
        const waiting = await spool.waiting(MAX_COUNTED)
        const [oldest] = waiting
        const since = oldest === undefined ? Number.POSITIVE_INFINITY : timeOf(oldest.id)
        return [
          [SPOOL, waiting.length],
          [AGE, Math.max(now() - since, 0) / 1000],
        ]
      },
    })
  }
  if (lag !== undefined) {
    sources.push({ name: 'inboxes', read: async () => [[LAG, (await lag()) / 1000]] })
  }
  if (archiveLag !== undefined) {
    sources.push({ name: 'archive', read: async () => [[UNARCHIVED, (await archiveLag()) / 1000]] })
  }
  return sources
}

/** A UUIDv7 begins with its time (RFC 9562 5.7). */
const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16)
