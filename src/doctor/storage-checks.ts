import { Failure } from './failure.ts'
import { type Checks, failed, notChecked, type Outcome, ok, warning } from './finding.ts'
import { MAX_COUNTED, type SpoolFacts, type StoreFacts } from './storage-probes.ts'

/** What was found out of the store, the owner source and the log. */
export interface StorageFacts {
  readonly store: StoreFacts | Failure
  /** Whether an owner source in code names an owner of a recording that doesn't exist. Undefined without such a source. */
  readonly invents: boolean | Failure | undefined
  /** How long a read of the log took, in milliseconds. */
  readonly read: number | Failure
  /** How long ago the archive had all records, in milliseconds. Undefined without an archive. */
  readonly lag: number | Failure | undefined
  /** How long it took to ask which lockdowns are in force, in milliseconds. */
  readonly control: number | Failure
}

const UNKNOWN = "a recording that doesn't exist"
const CONSOLE = 'look at what the gate writes to its console'
const UNUSABLE =
  'see that the gate can reach the store (S3_ENDPOINT), or that the disk of DATA_DIR works; its console says more'

/** Reports a failure. The message of a fault, if its cause is known, has a colon, and after it how to fix that. */
function failedBy(about: string, { why }: Failure, otherwise = CONSOLE): Outcome {
  const [what, ...fix] = why.split(': ')
  return failed(`${about}: ${what}`, fix.join(': ') || otherwise)
}

/** Whether what the gate stores is there. */
export const STORAGE_CHECKS: Checks<StorageFacts> = {
  /** The gate can write an object below `.mediaward/` of the recordings' bucket, read it with its owner, and remove it. */
  recordings: ({ store }) => judgeStore(store),

  /** An owner source in code answers, and knows no owner of a recording that doesn't exist. */
  owner_source({ invents }) {
    if (invents === undefined) return []
    if (invents === false) return ok(`it knows no owner of ${UNKNOWN}`)
    return failed(
      invents === true
        ? `it names an owner of ${UNKNOWN}`
        : `asked for ${UNKNOWN}, it failed: ${invents.why}`,
      'let it resolve to null for an id that it does not know, within a second',
    )
  },

  /** The ledger can be read, within the time after which records go to the spool. */
  ledger({ read }) {
    if (read instanceof Failure) return failedBy("the log can't be read", read)
    const found = `the end of the log was read in ${read} ms`
    return read > SLOW
      ? warning(found, 'raise LEDGER_SHARDS, or use a faster disk: after 2000 ms records go to the spool')
      : ok(found)
  },

  /** The archive takes records, as only what it has is removed from the log. */
  archive({ lag }) {
    if (lag === undefined) return []
    if (lag instanceof Failure) return failedBy("the archive can't be asked", lag)
    // A segment is written at least once an hour.
    return lag > 2 * HOUR
      ? warning(`the archive is ${Math.floor(lag / HOUR)} hours behind, so nothing is pruned`, CONSOLE)
      : ok('the archive keeps up with the log')
  },

  /** What is locked down can be asked, within two seconds. */
  control: ({ control }) =>
    control instanceof Failure
      ? failedBy("what is locked down can't be asked, so soon nothing is played", control)
      : ok(`what is locked down was asked in ${control} ms`),
}

/** Judges what became of an object that was written to a store. */
export function judgeStore(store: StoreFacts | Failure): Outcome {
  if (store instanceof Failure) return failedBy('the store of the recordings failed', store, UNUSABLE)
  if (!store.isWritten) {
    return notChecked('another examination wrote there at the same moment', 'run this again')
  }
  if (!store.keepsStamp) {
    return failed(
      'the store lost the owner of an object, so no recording can be played',
      'use a store that keeps metadata; a proxy in front must pass "x-amz-meta-" on',
    )
  }
  if (!store.keepsBytes) {
    return failed(
      'the store gave other bytes than were asked for',
      'use a store that answers ranges, with no cache or compression in front',
    )
  }
  const end = {
    removed: 'and removed',
    kept: 'and left until the next examination',
    refused: 'and left, as the store lets the gate remove nothing, which is safer',
  }[store.end]
  return ok(`an object was written, read back with its owner, ${end}`)
}

/** In milliseconds. The archive collects records for an hour before it stores them. */
const HOUR = 3_600_000

/** A read that takes longer is worth a mention, in milliseconds. */
const SLOW = 1000

/** What was found out by recording the examination itself. */
export interface RecordFacts {
  /** Whether the ledger has the record. */
  readonly isRecorded: boolean | Failure
  /** Undefined if the ledger has no spool. */
  readonly spool: SpoolFacts | Failure | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Whether records are kept. */
export const RECORD_CHECKS: Checks<RecordFacts> = {
  /** The ledger takes a record: that of this examination. */
  record({ isRecorded }) {
    if (isRecorded instanceof Failure) return failedBy("the record can't be read back", isRecorded)
    return isRecorded
      ? ok('the ledger took the record of this examination')
      : failed('the record of this examination waits in the spool, as the ledger did not take it', CONSOLE)
  },

  /** The spool keeps records while the ledger takes none, and none of them waits for long. */
  spool({ spool, now }) {
    if (spool === undefined) {
      return warning('the ledger has no spool: while it fails, no request is answered', 'use withSpool')
    }
    if (spool instanceof Failure) return failedBy('the spool failed', spool, SPOOL)
    if (spool.isUsable === false) return failed('the spool lost a record that it kept', SPOOL)
    const { waiting, oldest = now } = spool
    if (waiting === 0) {
      return spool.isUsable
        ? ok('it kept a record and gave it back; no record waits')
        : notChecked('no record waits, and whether it keeps one is not known: the ledger gave none', CONSOLE)
    }
    const count = waiting < MAX_COUNTED ? `${waiting}` : `${MAX_COUNTED} or more`
    const found = `records wait in it: ${count}, the oldest since ${new Date(oldest).toISOString()}`
    return now - oldest > DUE
      ? failed(found, 'see that the cron trigger runs ("crons" in wrangler.toml), and why the ledger fails')
      : warning(found, 'run this again in two minutes: by then the ledger should have them')
  },
}

const SPOOL = 'see that the bucket AUDIT is there, or that the gate can write to DATA_DIR'
/** A replay runs once a minute. A record that waits for longer than some of them has not been brought back, in milliseconds. */
const DUE = 5 * 60_000
