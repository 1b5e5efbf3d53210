import { CursorInvalid, type Ledger, type LedgerPage, type LedgerQuery } from '../../ledger/ledger.ts'
import type { LedgerObject, ShardEntry } from './ledger-object.ts'

/**
 * The ledger, spread over Durable Objects because one takes some thousand records a second. Raise the number of
 * shards as you need; never lower it, or the records of the higher ones are no longer read.
 */
export function shardedLedger(namespace: DurableObjectNamespace<LedgerObject>, shards: number): Ledger {
  const shard = (index: number) => namespace.get(namespace.idFromName(`ledger-${index}`))
  return {
    async record(entry) {
      await shard(shardOf(entry.id, shards)).record(entry)
    },

    async read(query) {
      const cursor = parseCursor(query.after, shards)
      const pages = await Promise.all(
        cursor.map((after, index) => shard(index).read({ ...query, after }) as Promise<ShardEntry[]>),
      )
      return merge(pages, cursor, query)
    },
  }
}

/** By the random end of an id, so that a flood spreads evenly. */
function shardOf(id: string, shards: number): number {
  return Number.parseInt(id.slice(-6), 16) % shards
}

/** Puts the shards' pages together by id, which is by time. The rest of each stays for the next page. */
function merge(pages: readonly ShardEntry[][], from: readonly number[], query: LedgerQuery): LedgerPage {
  const all = pages
    .flatMap((entries, shard) => entries.map(entry => ({ shard, entry })))
    .sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1))
  const page = query.latest ? all.slice(-query.limit) : all.slice(0, query.limit)
  const cursor = [...from]
  for (const { shard, entry } of page) cursor[shard] = Math.max(cursor[shard] ?? 0, entry.seq)
  return {
    entries: page.map(({ entry }) => ({ id: entry.id, json: entry.json })),
    cursor: cursor.join('.'),
    more:
      !query.latest && (all.length > page.length || pages.some(entries => entries.length === query.limit)),
  }
}

/** A cursor is the last number read of each shard; one of fewer shards is good, for there may be more by now. */
function parseCursor(text: string | undefined, shards: number): number[] {
  const read =
    text === undefined ? [] : text.split('.').map(part => (/^\d{1,15}$/.test(part) ? Number(part) : -1))
  if (read.length > shards || read.includes(-1)) throw new CursorInvalid()
  return Array.from({ length: shards }, (_, index) => read[index] ?? 0)
}
