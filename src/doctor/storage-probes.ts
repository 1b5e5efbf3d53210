import { withTimeout } from '../base/timeout.ts'
import type { Control } from '../control/control.ts'
import type { Ledger, LedgerSpool, ReadEntry } from '../ledger/ledger.ts'
import type { Owners } from '../recordings/owner-source.ts'
import { PROBE_KEY } from '../recordings/recording.ts'
import { DamagedPart, type RecordingStore } from '../recordings/recording-store.ts'
import { attempt, type Failure } from './failure.ts'

/** What became of an object that was written to the store. */
export interface StoreFacts {
  /** False if another examination wrote there at the same moment. */
  readonly isWritten: boolean
  /** Whether the object had the owner that it was stamped with. */
  readonly keepsStamp: boolean
  /** Whether a range of the object had the right bytes. */
  readonly keepsBytes: boolean
  /** `kept` if the caller wants it to stay, `refused` if the store doesn't let the gate remove it. */
  readonly end: 'removed' | 'kept' | 'refused'
}

const OWNER = 'mediaward-doctor'
/** The bytes of the object, by which it is recognized if something else than the gate serves it. */
export const PROBE_CONTENT =
  'Written by "mediaward doctor", to see whether this bucket can be written. It may be removed.\n'
const RANGE = { offset: 11, length: 16 }

/** Writes an object, reads it back, and removes it. */
export function probeStore(store: RecordingStore, keep: boolean): Promise<StoreFacts | Failure> {
  return attempt(async () => {
    const bytes = new TextEncoder().encode(PROBE_CONTENT)
    const present = await store.find(PROBE_KEY)
    if (present instanceof DamagedPart) throw present.fault
    const written = await store.put(PROBE_KEY, new Blob([bytes]).stream(), {
      size: bytes.length,
      contentType: 'text/plain',
      ownership: { owner: OWNER },
      replaces: present?.etag ?? null,
    })
    const found = await store.find(PROBE_KEY)
    const opened = await store.open(PROBE_KEY, RANGE)
    const read = opened === null ? '' : await new Response(opened.body).text()
    return {
      isWritten: written !== null,
      keepsStamp: found?.ownership.owner === OWNER,
      keepsBytes: read === PROBE_CONTENT.slice(RANGE.offset, RANGE.offset + RANGE.length),
      end: keep ? 'kept' : (await store.removeProbe?.()) === true ? 'removed' : 'refused',
    }
  })
}

/** Asks the owner source about a recording that doesn't exist. Resolves to whether it knows an owner. */
export function probeOwners(owners: Owners): Promise<boolean | Failure> {
  const recording = `doctor-${crypto.randomUUID()}`
  return attempt(async () => {
    const [owner] = await owners.of({ recording, key: recording }, [{}])
    return owner?.owner !== undefined
  })
}

/** How long the control may take to answer, in milliseconds: a request waits for one, streams for two. */
const CONTROL = 2_000

/** Asks which lockdowns are in force. Resolves to how long that took, in milliseconds. */
export function probeControl(
  control: Pick<Control, 'changes'>,
  now: () => number,
): Promise<number | Failure> {
  return attempt(async () => {
    const begun = now()
    await withTimeout(CONTROL, control.changes(0, 0))
    return now() - begun
  })
}

/** Reads the end of the log. Resolves to how long that took, in milliseconds. */
export function probeLedger(ledger: Ledger, now: () => number): Promise<number | Failure> {
  return attempt(async () => {
    const begun = now()
    await ledger.read({ limit: 1, order: 'newest' })
    return now() - begun
  })
}

/** Most records of the doctor that are looked through for its own. */
const MAX_READ = 20

/** Reads the record of this examination back. Undefined if the ledger doesn't have it. */
export function findRecord(ledger: Ledger, id: string): Promise<ReadEntry | undefined | Failure> {
  return attempt(async () => {
    const { entries } = await ledger.read({ kind: 'console', limit: MAX_READ, order: 'newest' })
    return entries.find(entry => entry.id === id)
  })
}

/** What the spool holds. */
export interface SpoolFacts {
  /** How many records wait, {@link MAX_COUNTED} at most. */
  readonly waiting: number
  /** When the oldest of them was made, in milliseconds since 1970. */
  readonly oldest: number | undefined
  /** Whether it kept an entry and gave it back. Undefined if there was no entry to try it with. */
  readonly isUsable: boolean | undefined
}

/** Most waiting records that are counted. */
export const MAX_COUNTED = 100

/**
 * Looks at what waits in the spool, and has it keep and drop an entry that the ledger has already: a replay at that moment
 * does no harm.
 *
 * @param entry undefined if the ledger gave none
 */
export function probeSpool(spool: LedgerSpool, entry: ReadEntry | undefined): Promise<SpoolFacts | Failure> {
  return attempt(async () => {
    const waiting = await spool.waiting(MAX_COUNTED)
    const [first] = waiting
    const isUsable = entry && (await keepsAndDrops(spool, entry))
    return {
      waiting: waiting.length,
      oldest: first && timeOf(first.id),
      isUsable,
    }
  })
}

async function keepsAndDrops(spool: LedgerSpool, { id, json }: ReadEntry): Promise<boolean> {
  await spool.keep({ id, json })
  const [kept] = await spool.waiting(1, justBefore(id))
  await spool.drop([id])
  return kept?.id === id && kept.json === json
}

/** A string that sorts before an id, and after every id before it. */
const justBefore = (id: string): string => id.slice(0, -1)

/** A UUIDv7 begins with its time (RFC 9562 5.7). */
const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16)
