import { expect } from 'vitest'
import type { LedgerEntry, ReadEntry } from '../../src/ledger/ledger.ts'
import type { Counted } from './counted.ts'
import { expectCounts } from './expected-counts.ts'
import { sumsIn } from './sums.ts'

/** What a log has, while nothing is added to it. */
export interface LogContents {
  readonly all: readonly ReadEntry[]
  readonly held: readonly LedgerEntry[]
  readonly counted: Counted
}

/** What a log was confirmed to have: records, and sums of bytes that it puts together. */
export class KeptRecords {
  readonly #records: string[] = []
  readonly #sums: string[] = []

  /** How many records were confirmed. */
  get size(): number {
    return this.#records.length
  }

  /** Notes what was confirmed, in this order. */
  add(jsons: readonly string[]): void {
    this.#records.push(...jsons.filter(json => sumsIn(json).length === 0))
    this.#sums.push(...jsons.flatMap(sumsIn))
  }

  /**
   * Expects that a log has all of it, each once, and no index twice or left out, and that it has counted what it has. Returns
   * the place of each record.
   */
  expectIn({ all, held, counted }: LogContents): readonly number[] {
    expect(all.map(({ index }) => index)).toEqual(all.map((_, i) => i))
    const stored = new Map(all.map(({ json }, i) => [json, i]))
    expect(stored.size).toBe(all.length)
    const places = this.#records.map(json => stored.get(json) ?? -1)
    expect(places.filter(place => place < 0).length, 'records lost').toBe(0)
    const sums = [...all, ...held].flatMap(({ json }) => sumsIn(json))
    const known = new Set(sums)
    expect(known.size).toBe(sums.length)
    expect(this.#sums.filter(sum => !known.has(sum)).length, 'sums lost').toBe(0)
    expectCounts(
      counted,
      all.map(({ json }) => json),
    )
    return places
  }
}
