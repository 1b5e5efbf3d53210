import { CursorInvalid, type Ledger, type LedgerPage, type LedgerQuery } from '../../ledger/ledger.ts'
import type { NumberedEntry, TablePage } from '../sqlite/event-table.ts'
import type { LedgerNamespace } from './bindings.ts'

/**
 * The ledger, spread over Durable Objects because one takes some thousand records a second. Raise the number of
 * shards as you need; never lower it, or the records of the higher ones are no longer read.
 */
export function createShardedLedger(namespace: LedgerNamespace, shards: number): Ledger {
  const shard = (index: number) => namespace.get(namespace.idFromName(`ledger-${index}`))
  return {
    async record(entry) {
      await shard(shardOf(entry.id, shards)).record(entry)
    },

    async read(query) {
      const cursor = parseCursor(query.after, shards)
      const pages = await Promise.all(cursor.map((after, index) => shard(index).read({ ...query, after })))
      return merge(pages, cursor, query)
    },
  }
}

/** By the random end of an id, so that a flood spreads evenly. */
function shardOf(id: string, shards: number): number {
  return Number.parseInt(id.slice(-6), 16) % shards
}

/**
 * Puts the shards' pages together by id, which is by time. Of each shard a page takes the first entries by number, or
 * a late entry with an early id would move the cursor past others.
 */
function merge(pages: readonly TablePage[], from: readonly number[], query: LedgerQuery): LedgerPage {
  let cursor = pages.map(({ end }) => end)
  const taken: NumberedEntry[] = []
  if (query.latest) {
    taken.push(...pages.flatMap(({ entries }) => entries))
  } else {
    const next = pages.map(() => 0)
    while (taken.length < query.limit) {
      const heads = pages.flatMap(({ entries }, shard) => {
        const entry = entries[next[shard] ?? 0]
        return entry === undefined ? [] : [{ shard, entry }]
      })
      if (heads.length === 0) break
      const { shard, entry } = heads.reduce((a, b) => (b.entry.id < a.entry.id ? b : a))
      taken.push(entry)
      next[shard] = (next[shard] ?? 0) + 1
    }
    // What of a shard isn't on this page is read again.
    cursor = pages.map(({ entries, end }, shard) => {
      const count = next[shard] ?? 0
      return count === entries.length ? end : (entries[count - 1]?.seq ?? from[shard] ?? 0)
    })
  }
  taken.sort((a, b) => (a.id < b.id ? -1 : 1))
  const page = query.latest ? taken.slice(-query.limit) : taken
  return {
    entries: page.map(({ id, json }) => ({ id, json })),
    cursor: cursor.join('.'),
    more: !query.latest && page.length === query.limit,
  }
}

/** A cursor is the number up to which each shard was read; one of fewer shards is good, for there may be more by now. */
function parseCursor(text: string | undefined, shards: number): number[] {
  const read =
    text === undefined ? [] : text.split('.').map(part => (/^\d{1,15}$/.test(part) ? Number(part) : -1))
  if (read.length > shards || read.includes(-1)) throw new CursorInvalid()
  return Array.from({ length: shards }, (_, index) => read[index] ?? 0)
}
