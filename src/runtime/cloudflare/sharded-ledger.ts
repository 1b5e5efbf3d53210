import { StorageFault } from '../../base/storage-fault.ts'
import {
  type AppendOutcome,
  CursorInvalid,
  type Ledger,
  type LedgerEntry,
  type LedgerPage,
  type LedgerQuery,
} from '../../ledger/ledger.ts'
import type { TableEntry, TablePage } from '../sqlite/event-table.ts'
import type { LedgerNamespace, LedgerStub } from './bindings.ts'

/**
 * Creates the ledger, spread over Durable Objects because one takes some thousand records a second. Raise the number of
 * shards as you need, while the spool is empty. A record that a shard has and the spool keeps too would come back to
 * another shard. A page shows it once, but a reader that is past the first one gets it again. Never lower the number: the
 * records of the higher shards would not be read.
 */
export function createShardedLedger(namespace: LedgerNamespace, shards: number): Ledger {
  const shard = (index: number): LedgerStub => {
    const stub = namespace.get(namespace.idFromName(`ledger-${index}`))
    const failed = (error: unknown) => {
      throw shardFault(index, error)
    }
    return {
      append: entries => stub.append(entries).catch(failed),
      read: query => stub.read(query).catch(failed),
    }
  }
  return {
    async append(entries) {
      const groups = Map.groupBy(entries.entries(), ([, { id }]) => shardOf(id, shards))
      const outcomes: AppendOutcome[] = []
      await Promise.all(
        [...groups].map(async ([index, group]) => {
          const stored = await shard(index).append(group.map(([, entry]) => entry))
          for (const [i, [position]] of group.entries()) outcomes[position] = stored[i] ?? 'added'
        }),
      )
      return outcomes
    },

    async read(query) {
      const cursor = parseCursor(query.after, shards)
      const pages = await Promise.all(cursor.map((after, index) => shard(index).read({ ...query, after })))
      return merge(pages, cursor, query)
    },
  }
}

/**
 * Says which shard failed, for the operator. Of the error it takes over only that the object is overloaded, and SQLite's
 * code: the rest of the message may contain anything.
 */
function shardFault(index: number, error: unknown): StorageFault {
  const { overloaded, message } = Object(error) as { overloaded?: unknown; message?: unknown }
  const [code] = /\bSQLITE_[A-Z]{2,16}\b/.exec(`${message}`) ?? []
  const why = overloaded === true ? ' (overloaded)' : code === undefined ? '' : ` (${code})`
  return new StorageFault(`the Durable Object "ledger-${index}" failed${why}`)
}

/** Spreads by the random end of an id, so that a flood spreads evenly. */
function shardOf(id: string, shards: number): number {
  return Number.parseInt(id.slice(-6), 16) % shards
}

/**
 * Puts the shards' pages together by id, which is by time. Of each shard a page takes the first entries by place, or a
 * late entry with an early id would move the cursor past others. An entry that two shards have is taken once.
 */
function merge(pages: readonly TablePage[], from: readonly number[], query: LedgerQuery): LedgerPage {
  const { limit, latest } = query
  const next = pages.map(() => 0)
  const taken = new Map<string, TableEntry>()
  if (latest) for (const entry of pages.flatMap(({ entries }) => entries)) taken.set(entry.id, entry)
  while (!latest) {
    const heads = pages.flatMap(({ entries }, shard) => {
      const entry = entries[next[shard] ?? 0]
      return entry === undefined ? [] : [{ shard, entry }]
    })
    if (heads.length === 0) break
    const { shard, entry } = heads.reduce((a, b) => (b.entry.id < a.entry.id ? b : a))
    if (taken.size === limit && !taken.has(entry.id)) break
    taken.set(entry.id, entry)
    next[shard] = (next[shard] ?? 0) + 1
  }
  const cursor = pages.map((page, shard) => {
    const count = next[shard] ?? 0
    // What of a shard isn't on this page is read again.
    if (latest || count === page.entries.length) return page.cursor
    const last = page.entries[count - 1]
    return last === undefined ? (from[shard] ?? 0) : last.place + page.offset
  })
  const page = [...taken.values()]
    .sort((a: LedgerEntry, b: LedgerEntry) => (a.id < b.id ? -1 : 1))
    .slice(latest ? -limit : 0)
  return {
    // Each shard has an order of its own, and no index in the log's.
    entries: page.map(({ id, json }) => ({ id, json })),
    cursor: cursor.join('.'),
    more: pages.some(({ more }) => more) || (!latest && page.length === limit),
  }
}

/** A cursor is how far each shard was read. One of fewer shards is good, for there may be more by now. */
function parseCursor(cursor: string | undefined, shards: number): number[] {
  const read =
    cursor === undefined ? [] : cursor.split('.').map(part => (/^\d{1,15}$/.test(part) ? Number(part) : -1))
  if (read.length > shards || read.includes(-1)) throw new CursorInvalid()
  return Array.from({ length: shards }, (_, index) => read[index] ?? 0)
}
