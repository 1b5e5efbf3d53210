import { calculateJwkThumbprint } from 'jose'
import { logFault } from '../../base/storage-fault.ts'
import { withoutCaller } from '../../ledger/head.ts'
import type { Recorder } from '../../ledger/recorder.ts'
import { nameOf } from '../entry.ts'
import type { Issuer } from '../issuer.ts'
import type { KeySet } from './usable-keys.ts'

/** A place of keys has others than those that were loaded from it before. */
export interface KeyChange {
  /** The first entry whose keys they are. */
  readonly entry: Issuer
  /** The issuers of the other entries whose keys they are. */
  readonly others: readonly string[]
  readonly before: KeySet
  readonly after: KeySet
}

/** Most thumbprints of a set, and most issuers, that a record names. With twice as many of them it stays under 64 KiB. */
const MAX_NAMED = 256

/**
 * Creates a function that records that the keys of an issuer changed, as the thumbprints of its keys (RFC 7638). It records
 * nothing if these are the same, and never rejects.
 */
export function createKeyChangeRecorder(
  record: Recorder,
  now: () => number,
): (change: KeyChange) => Promise<void> {
  return async ({ entry, others, ...sets }) => {
    try {
      const [before, after] = await Promise.all([thumbprintsOf(sets.before), thumbprintsOf(sets.after)])
      if (before.join() === after.join()) return
      const name = nameOf(entry)
      const token = name === entry.issuer ? { issuer: name } : { issuer: entry.issuer, entry: name }
      await record(
        { ...withoutCaller(now()), token },
        {
          kind: 'keys',
          ...(others.length > 0 && { others: others.slice(0, MAX_NAMED) }),
          ...{ before: before.slice(0, MAX_NAMED), after: after.slice(0, MAX_NAMED) },
        },
      )
    } catch (error) {
      logFault('that the keys of an issuer changed is not on record', error)
    }
  }
}

/** Returns the thumbprints of the keys of a set: each once, sorted. */
async function thumbprintsOf({ keys }: KeySet): Promise<readonly string[]> {
  return [...new Set(await Promise.all(keys.map(key => calculateJwkThumbprint(key))))].sort()
}
