import type { WindowState } from '../../../watch/detection.ts'
import type { Changes, Finding, FindingText, Suppression } from '../../../watch/finding.ts'
import { type BookState, MAX_KEPT, RECENT } from '../../../watch/finding-book.ts'
import type { ReadFindings } from '../../../watch/findings/list.ts'
import type { Sql, SqlValue } from '../sql.ts'

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
    return this.#one('finding', id)
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
    return this.#one('suppression', id)
  }

  /** Returns the ids of the canary recordings. */
  canaries(): readonly string[] {
    return this.#sql<{ id: string }>('SELECT id FROM canary').map(({ id }) => id)
  }

  text(id: string): FindingText | undefined {
    return this.#one('finding_text', id)
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
    for (const one of findings)
      this.#put('finding', one.id, one.state === 'closed' ? 1 : 0, one.last_seen, JSON.stringify(one))
    for (const one of suppressions)
      this.#put('suppression', one.id, one.ended ?? one.expires, JSON.stringify(one))
    for (const id of canaries) this.#sql('INSERT OR IGNORE INTO canary (id) VALUES (?)', id)
    for (const one of texts) this.#put('finding_text', one.id, one.of, JSON.stringify(one))
    if (records.length > 0) this.#put('watch', 1, seq)
  }

  /** Stores windows, and removes some that have expired. To be called in a transaction. */
  storeWindows(windows: readonly WindowState[], now: number): void {
    if (windows.length === 0) return
    for (const { key, expires, members } of windows)
      this.#put('watch_window', key, expires, JSON.stringify(members))
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

  #one<Row>(table: Table, id: string): Row | undefined {
    return parsed<Row>(this.#sql<Json>(`SELECT json FROM ${table} WHERE id = ?`, id))[0]
  }

  /** Puts a row into a table in place of the one with its key: a value for each column. */
  #put(table: Table, ...values: readonly SqlValue[]): void {
    this.#sql(`INSERT OR REPLACE INTO ${table} VALUES (${values.map(() => '?')})`, ...values)
  }
}

type Table = 'finding' | 'finding_text' | 'suppression' | 'alert' | 'watch_window' | 'watch'

const parsed = <Row>(rows: readonly Json[]): Row[] => rows.map(({ json }) => JSON.parse(json) as Row)
