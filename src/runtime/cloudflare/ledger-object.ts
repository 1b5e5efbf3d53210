import { DurableObject } from 'cloudflare:workers'
import type { LedgerEntry } from '../../ledger/ledger.ts'

/** An entry with its place in this shard. */
export interface ShardEntry extends LedgerEntry {
  readonly seq: number
}

/** What to read of one shard. */
export interface ShardQuery {
  readonly after: number
  readonly limit: number
  readonly since?: string
  readonly latest?: boolean
}

/**
 * One shard of the ledger: a Durable Object with SQLite, the single writer of its part of the log. When a call to
 * `record` resolves, the write is confirmed: the object's output gate holds the answer back until then.
 */
export class LedgerObject extends DurableObject {
  constructor(state: DurableObjectState, env: unknown) {
    super(state, env as never)
    state.storage.sql.exec(
      // AUTOINCREMENT: a number is never given twice, so a reader's cursor never skips an entry.
      'CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL)',
    )
  }

  /** Stores an entry once, however often it is sent. */
  record(entry: LedgerEntry): void {
    this.ctx.storage.sql.exec(
      'INSERT INTO event (id, json) VALUES (?, ?) ON CONFLICT DO NOTHING',
      entry.id,
      entry.json,
    )
  }

  /** Entries after a number, by rising number; with `latest` the last ones. */
  read({ after, limit, since = '', latest = false }: ShardQuery): ShardEntry[] {
    const rows = this.ctx.storage.sql
      .exec<{ seq: number; id: string; json: string }>(
        `SELECT seq, id, json FROM event WHERE seq > ? AND json ->> '$.t' >= ? ORDER BY seq ${latest ? 'DESC' : 'ASC'} LIMIT ?`,
        after,
        since,
        limit,
      )
      .toArray()
    return latest ? rows.reverse() : rows
  }
}
