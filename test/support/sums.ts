import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import { entryAt } from './archived-log.ts'

/** Creates a sum of bytes that left in one of three views. */
export function deliveryOf(time: number, isolate: string, seq: number): LedgerEntry {
  return entryAt(time, {
    ...{ kind: 'delivery', view: `view-${seq % 3}`, gate: { version: '0.7.0', isolate, seq } },
    ...{ answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[0, 9]] }] },
  })
}

/** Returns which sums of bytes a record is put together of: none if it is no delivery. */
export function sumsIn(json: string): string[] {
  const {
    kind,
    gate,
    merged = [{ isolate: gate?.isolate, seq: [gate?.seq] }],
  } = JSON.parse(json) as {
    readonly kind: string
    readonly gate?: { readonly isolate: string; readonly seq: number }
    readonly merged?: readonly { readonly isolate: string; readonly seq: readonly number[] }[]
  }
  if (kind !== 'delivery') return []
  return merged.flatMap(({ isolate, seq }) => seq.map(one => `${isolate} ${one}`))
}
