import { expect } from 'vitest'
import type { RecordCount } from '../../src/ledger/ledger.ts'
import type { Counted } from './counted.ts'

// What a log counts must be what its records say. It is counted here once more, from the records alone.

/** Expects that a log has counted exactly the records that were read from it, each once. */
export function expectCounts(counted: Counted, jsons: readonly string[]): void {
  expectHours(counted.hour, jsons)
  const totals = new Map<string, number>()
  for (const json of jsons) {
    const { kind, reason = '', repeats, sum, bytes = 0, count = 0 } = JSON.parse(json) as CountedFacts
    add(totals, `${kind} `, 1)
    if (kind === 'access') add(totals, `refusals ${reason}`, repeats?.count ?? sum?.count ?? 1)
    if (kind === 'access' && sum !== undefined) add(totals, 'summed ', sum.count)
    if (kind === 'delivery') add(totals, 'bytes ', bytes)
    if (kind === 'gap') add(totals, 'lost ', count)
  }
  const found = counted.total.map(({ kind, reason = '', count }) => [`${kind} ${reason}`, count])
  expect(Object.fromEntries(found), 'totals').toEqual(Object.fromEntries(totals))
}

/** As `expectCounts` does, of the hours alone. */
export function expectHours(counts: readonly RecordCount[], jsons: readonly string[]): void {
  const hours = new Map<string, number>()
  for (const json of jsons) {
    const { kind, reason = '', t = '', recorded = t } = JSON.parse(json) as CountedFacts
    add(hours, `${recorded.slice(0, 13)}:00:00.000Z ${kind} ${reason}`, 1)
  }
  const found = counts.map(({ start, kind, reason = '', count }) => [`${start} ${kind} ${reason}`, count])
  expect(Object.fromEntries(found), 'records by hour').toEqual(Object.fromEntries(hours))
}

interface CountedFacts {
  readonly kind: string
  readonly t?: string
  readonly recorded?: string
  readonly reason?: string
  readonly repeats?: { readonly count: number }
  readonly sum?: { readonly count: number }
  readonly bytes?: number
  readonly count?: number
}

const add = (sums: Map<string, number>, key: string, amount: number) =>
  void sums.set(key, (sums.get(key) ?? 0) + amount)
