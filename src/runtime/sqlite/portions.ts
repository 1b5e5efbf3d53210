import type { LedgerEntry } from '../../ledger/ledger.ts'

/**
 * Divides entries into lists of so many characters of JSON at most, in their order. One that is longer is a list of its own.
 * A value of a Durable Object holds 2 MB, and a character may be three bytes.
 */
export function* portions(entries: readonly LedgerEntry[], most: number): Generator<readonly LedgerEntry[]> {
  let portion: LedgerEntry[] = []
  let size = 0
  for (const entry of entries) {
    if (portion.length > 0 && size + entry.json.length > most) {
      yield portion
      portion = []
      size = 0
    }
    portion.push(entry)
    size += entry.json.length
  }
  if (portion.length > 0) yield portion
}
