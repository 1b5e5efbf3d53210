import { followedAlert } from '../../src/alerts/receiver.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import { titleOf } from '../../src/watch/in-force.ts'

const RECEIVER = followedAlert(
  { type: 'webhook', secret: '', severity: 'info' },
  { fetchFor: () => fetch, now: Date.now, titleOf },
).receiver

/** Returns the records that a receiver of alerts hears of. */
export function heardOf(records: readonly LedgerEntry[]) {
  return records
    .filter(record => RECEIVER.select({ ...record, index: 0 }) !== undefined)
    .map(({ json }) => JSON.parse(json))
}

/** Returns what a receiver of alerts hears: what happened to findings. */
export const heardIn = (records: readonly LedgerEntry[]): readonly string[] =>
  heardOf(records).map(({ action }) => action)
