import type { WindowState } from '../../../watch/detection.ts'
import type { Changes, Finding, FindingText, Suppression } from '../../../watch/finding.ts'
import { type BookState, MAX_KEPT, RECENT } from '../../../watch/finding-book.ts'
import type { ReadFindings } from '../../../watch/findings/list.ts'
import type { Sql } from '../sql.ts'

/** So many windows are looked at for each one that is stored, whether they have expired. */
const SWEEP = 4
/** Most suppressions and texts that one call returns. */
const MAX_ROWS = 1_000

const TABLES = [
  // Of each finding what lists need, and the rest as JSON.
  `CREATE TABLE IF NOT EXISTS finding (
    id TEXT PRIMARY KEY, is_closed INTEGER NOT NULL, last_seen INTEGER NOT NULL, json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS finding_unclosed ON finding (id) WHERE is_closed = 0',
  'CREATE INDEX IF NOT EXISTS finding_last_seen ON finding (last_seen)',
  // No index of when they expire: it would be a row more for each one that is written.
  `CREATE TABLE IF NOT EXISTS watch_window (
    key TEXT PRIMARY KEY, expires INTEGER NOT NULL, members TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  'CREATE TABLE IF NOT EXISTS finding_text (id TEXT PRIMARY KEY, about TEXT NOT NULL, json TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE INDEX IF NOT EXISTS finding_text_about ON finding_text (about)',
  'CREATE TABLE IF NOT EXISTS suppression (id TEXT PRIMARY KEY, over INTEGER NOT NULL, json TEXT NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS canary (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID',
  // The number of the last record that the log has written itself.
  'CREATE TABLE IF NOT EXISTS watch (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT',
]

interface Json {
  readonly json: string
}

/** What the rules remember and what they found, as tables of SQLite beside the log, the same in a Durable Object and in a file. */
export class WatchTables {
  readonly #sql: Sql
  /** The last window that was looked at whether it has expired. */
  #swept = ''

  constructor(sql: Sql) {
    this.#sql = sql
    for (const table of TABLES) sql(table)
  }

  /** Returns what a book begins with. */
  state(now: number): BookState {
    const recent = this.#sql<Json>(
      'SELECT json FROM finding WHERE last_seen > ? ORDER BY last_seen DESC LIMIT ?',
      now - RECENT,
      MAX_KEPT,
    )
    const [row] = this.#sql<{ seq: number }>('SELECT seq FROM watch')
    return {
      findings: parsed<Finding>(recent).reverse(),
      suppressions: this.suppressions(now),
      seq: row?.seq ?? 0,
    }
  }

  /** Returns the windows that are stored under some keys. */
  windows(keys: readonly string[]): ReadonlyMap<string, WindowState> {
    if (keys.length === 0) return new Map()
    const rows = this.#sql<{ key: string; expires: number; members: string }>(
      'SELECT key, expires, members FROM watch_window WHERE key IN (SELECT value FROM json_each(?))',
      JSON.stringify(keys),
    )
    return new Map(
      rows.map(({ key, expires, members }) => [key, { key, expires, members: JSON.parse(members) }]),
    )
  }

  finding(id: string): Finding | undefined {
    return parsed<Finding>(this.#sql<Json>('SELECT json FROM finding WHERE id = ?', id))[0]
  }

  /** Reads findings by falling id. */
  readonly findings: ReadFindings = (below, limit, isUnclosed) => {
    const rows = this.#sql<Json>(
      `SELECT json FROM finding WHERE id < ? ${isUnclosed ? 'AND is_closed = 0' : ''} ORDER BY id DESC LIMIT ?`,
      // Ids begin with a digit or a letter up to f.
      below ?? 'g',
      limit,
    )
    return parsed<Finding>(rows)
  }

  /** Returns the suppressions that were not over at a time, the newest first. */
  suppressions(since: number): readonly Suppression[] {
    const rows = this.#sql<Json>(
      'SELECT json FROM suppression WHERE over > ? ORDER BY id DESC LIMIT ?',
      since,
      MAX_ROWS,
    )
    return parsed<Suppression>(rows)
  }

  suppression(id: string): Suppression | undefined {
    return parsed<Suppression>(this.#sql<Json>('SELECT json FROM suppression WHERE id = ?', id))[0]
  }

  /** Returns the ids of the canary recordings. */
  canaries(): readonly string[] {
    return this.#sql<{ id: string }>('SELECT id FROM canary').map(({ id }) => id)
  }

  text(id: string): FindingText | undefined {
    return parsed<FindingText>(this.#sql<Json>('SELECT json FROM finding_text WHERE id = ?', id))[0]
  }

  /** Returns what was said about a finding or a suppression, the oldest first. */
  texts(about: string): readonly FindingText[] {
    const rows = this.#sql<Json>(
      'SELECT json FROM finding_text WHERE about = ? ORDER BY id LIMIT ?',
      about,
      MAX_ROWS,
    )
    return parsed<FindingText>(rows)
  }

  /** Stores what has changed. To be called in a transaction. */
  store({ findings, suppressions, canaries, texts, records, seq }: Changes): void {
    for (const finding of findings) {
      this.#sql(
        'INSERT OR REPLACE INTO finding (id, is_closed, last_seen, json) VALUES (?, ?, ?, ?)',
        ...[finding.id, finding.state === 'closed' ? 1 : 0, finding.last_seen, JSON.stringify(finding)],
      )
    }
    for (const one of suppressions) {
      const over = one.ended ?? one.expires
      this.#sql(
        'INSERT OR REPLACE INTO suppression (id, over, json) VALUES (?, ?, ?)',
        one.id,
        over,
        JSON.stringify(one),
      )
    }
    for (const id of canaries) this.#sql('INSERT OR IGNORE INTO canary (id) VALUES (?)', id)
    for (const text of texts) {
      this.#sql(
        'INSERT OR REPLACE INTO finding_text (id, about, json) VALUES (?, ?, ?)',
        text.id,
        text.of,
        JSON.stringify(text),
      )
    }
    if (records.length > 0) this.#sql('INSERT OR REPLACE INTO watch (id, seq) VALUES (1, ?)', seq)
  }

  /** Stores windows, and removes some that have expired. To be called in a transaction. */
  storeWindows(windows: readonly WindowState[], now: number): void {
    if (windows.length === 0) return
    for (const { key, expires, members } of windows) {
      this.#sql(
        'INSERT OR REPLACE INTO watch_window (key, expires, members) VALUES (?, ?, ?)',
        key,
        expires,
        JSON.stringify(members),
      )
    }
    const limit = SWEEP * windows.length
    const looked = this.#sql<{ key: string; expires: number }>(
      'SELECT key, expires FROM watch_window WHERE key > ? ORDER BY key LIMIT ?',
      ...[this.#swept, limit],
    )
    this.#swept = looked.length < limit ? '' : (looked.at(-1)?.key ?? '')
    const gone = looked.filter(({ expires }) => expires <= now).map(({ key }) => key)
    if (gone.length > 0) {
      this.#sql(
        'DELETE FROM watch_window WHERE key IN (SELECT value FROM json_each(?))',
        JSON.stringify(gone),
      )
    }
  }
}

const parsed = <Row>(rows: readonly Json[]): Row[] => rows.map(({ json }) => JSON.parse(json) as Row)
