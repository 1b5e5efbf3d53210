import { createHash } from 'node:crypto'
import { Overtaken } from '../../../archive/live-log.ts'
import type { ReadEntry } from '../../../ledger/ledger.ts'
import type { WindowState } from '../../../watch/detection.ts'
import type { Changes, Finding, FindingText, Suppression } from '../../../watch/finding.ts'
import { type BookState, MAX_KEPT, RECENT } from '../../../watch/finding-book.ts'
import { membersOf } from '../../../watch/findings/finding-record.ts'
import type { ReadFindings } from '../../../watch/findings/list.ts'
import { AS_LOG } from '../as-log.ts'
import { INBOX_COLUMNS, inboxRow } from '../inbox-row.ts'
import type { Session } from '../session.ts'

/** Most windows that are removed in one statement, as they have expired. */
const SWEPT = 100
/** Most suppressions and texts that one call returns. */
const MAX_ROWS = 1_000

/** How far the rules are, as it is stored. */
export interface WatchPosition {
  /** Rises with each change. */
  readonly version: number
  /** The index of the first record that the rules have not looked at. */
  readonly next: number
}

/** What is to be stored together. */
export interface Storing {
  readonly changes: Changes
  readonly windows: readonly WindowState[]
  /** In milliseconds since 1970. */
  readonly now: number
}

/** Puts rows into a table if the position is ours, and replaces those that are there. */
const put = (table: string, columns: string, types: string, value: string): string =>
  `INSERT INTO mediaward.${table} (${columns})
    SELECT ${columns} FROM json_to_recordset(${value}::text::json) AS one (${types}), own
    ON CONFLICT (${columns.split(', ')[0]}) DO UPDATE
    SET ${columns
      .split(', ')
      .slice(1)
      .map(column => `${column} = excluded.${column}`)}`

/**
 * Stores what the rules found, and how far they are, in one statement. It changes nothing if another process is the log, or was it
 * in between and has gone on from the same position. The deliveries of the views that a new finding touches become due.
 */
const STORE = `${AS_LOG}, own AS (
    UPDATE mediaward.watch SET version = version + 1, next = $2::bigint, seq = $3::bigint
    WHERE version = $1::bigint AND (SELECT elected FROM log) RETURNING version
  ), findings AS (
    ${put('finding', 'id, is_closed, last_seen, json', 'id text, is_closed boolean, last_seen bigint, json text', '$4')}
  ), suppressions AS (
    ${put('suppression', 'id, over, json', 'id text, over bigint, json text', '$5')}
  ), texts AS (
    ${put('finding_text', 'id, about, json', 'id text, about text, json text', '$6')}
  ), canaries AS (
    INSERT INTO mediaward.canary (id) SELECT one FROM json_array_elements_text($11::text::json) AS one, own
    ON CONFLICT DO NOTHING
  ), windows AS (
    ${put('watch_window', 'key, expires, members', 'key text, expires bigint, members text', '$7')}
  ), swept AS (
    DELETE FROM mediaward.watch_window WHERE EXISTS (SELECT FROM own) AND key IN (
      SELECT key FROM mediaward.watch_window
      WHERE expires <= $8::bigint AND key NOT IN (SELECT one ->> 'key' FROM json_array_elements($7::text::json) AS one)
      LIMIT ${SWEPT}
    )
  ), records AS (
    INSERT INTO mediaward.inbox (${INBOX_COLUMNS.names})
    SELECT ${INBOX_COLUMNS.names} FROM json_to_recordset($9::text::json) AS entry (${INBOX_COLUMNS.types}), own
  ), held AS (
    UPDATE mediaward.held_delivery SET came = least(came, now() - interval '5 minutes')
    WHERE EXISTS (SELECT FROM own) AND view IN (
      SELECT view FROM mediaward.held_delivery AS one
      WHERE EXISTS (SELECT FROM json_array_elements_text($10::text::json) AS member WHERE strpos(one.json, member) > 0)
    )
  )
  SELECT EXISTS (SELECT FROM own) AS stored`

/** The records of the last minutes before an index, beginning with the minute of a time. */
const REPLAYED = `
  SELECT index, id, json FROM mediaward.event
  WHERE index < $1::bigint AND index >= $2::bigint AND index >= (
    SELECT coalesce(min(first), $1::bigint) FROM mediaward.event_time WHERE unit = 60000 AND start >= $3::bigint
  ) ORDER BY index LIMIT $4::bigint`

interface Json {
  readonly json: string
}

/** What the rules of a fleet remember and found, in its database. */
export class WatchStore {
  readonly #reading: Session
  readonly #ordering: Session

  /** @param ordering the session that has the lock of the log, if this process is it */
  constructor(reading: Session, ordering: Session) {
    this.#reading = reading
    this.#ordering = ordering
  }

  async position(): Promise<WatchPosition & Pick<BookState, 'seq'>> {
    const [row] = await this.#reading.query<WatchPosition & Pick<BookState, 'seq'>>(
      'SELECT version, next, seq FROM mediaward.watch',
    )
    return row ?? { version: 0, next: 0, seq: 0 }
  }

  /** Returns what a book begins with, apart from the number of its last record. */
  async book(now: number): Promise<Omit<BookState, 'seq'>> {
    const recent = await this.#reading.query<Json>(
      'SELECT json FROM mediaward.finding WHERE last_seen > $1::bigint ORDER BY last_seen DESC LIMIT $2::bigint',
      now - RECENT,
      MAX_KEPT,
    )
    return { findings: parsed<Finding>(recent).reverse(), suppressions: await this.suppressions(now) }
  }

  /** Returns records from an index on. */
  recordsFrom(index: number, limit: number): Promise<readonly ReadEntry[]> {
    return this.#reading.query(
      'SELECT index, id, json FROM mediaward.event WHERE index >= $1::bigint ORDER BY index LIMIT $2::bigint',
      index,
      limit,
    )
  }

  /** Returns records of a time or later, in milliseconds since 1970: from one index up to another, which is not one of them. */
  recordsSince(
    time: number,
    [from, to]: readonly [number, number],
    limit: number,
  ): Promise<readonly ReadEntry[]> {
    const minute = Math.floor(time / 60_000) * 60_000
    return this.#reading.query<ReadEntry>(REPLAYED, to, from, minute, limit)
  }

  /** Returns the windows that are stored under some keys. */
  async windows(keys: readonly string[]): Promise<ReadonlyMap<string, WindowState>> {
    if (keys.length === 0) return new Map()
    const names = new Map(keys.map(key => [windowName(key), key]))
    const rows = await this.#reading.query<{ key: string; expires: number; members: string }>(
      `SELECT key, expires, members FROM mediaward.watch_window
        WHERE key IN (SELECT json_array_elements_text($1::text::json))`,
      JSON.stringify([...names.keys()]),
    )
    return new Map(
      rows.map(({ key: name, expires, members }) => {
        const key = names.get(name) ?? name
        return [key, { key, expires, members: JSON.parse(members) }]
      }),
    )
  }

  /**
   * Stores what has changed, and how far the rules are.
   *
   * @throws Overtaken if the position is no longer that of this process
   */
  async store(version: number, next: number, { changes, windows, now }: Storing): Promise<void> {
    const { findings, suppressions, canaries, texts, records, opened, seq } = changes
    const [row] = await this.#ordering.query<{ stored: boolean }>(
      STORE,
      ...[version, next, seq],
      rows(findings, finding => ({
        ...{ id: finding.id, is_closed: finding.state === 'closed', last_seen: finding.last_seen },
      })),
      rows(suppressions, one => ({ id: one.id, over: one.ended ?? one.expires })),
      rows(texts, text => ({ id: text.id, about: text.of })),
      JSON.stringify(
        windows.map(({ key, expires, members }) => ({
          ...{ key: windowName(key), expires, members: JSON.stringify(members) },
        })),
      ),
      now,
      JSON.stringify(records.map(inboxRow)),
      JSON.stringify(membersOf(opened)),
      JSON.stringify(canaries),
    )
    if (row?.stored !== true) throw new Overtaken('another process is the log')
  }

  async finding(id: string): Promise<Finding | undefined> {
    return (await this.#one<Finding>('finding', id))[0]
  }

  async suppression(id: string): Promise<Suppression | undefined> {
    return (await this.#one<Suppression>('suppression', id))[0]
  }

  async text(id: string): Promise<FindingText | undefined> {
    return (await this.#one<FindingText>('finding_text', id))[0]
  }

  /** Returns the ids of the canary recordings. */
  async canaries(): Promise<readonly string[]> {
    const found = await this.#reading.query<{ id: string }>('SELECT id FROM mediaward.canary')
    return found.map(({ id }) => id)
  }

  /** Reads findings by falling id. */
  readonly findings: ReadFindings = async (below, limit, isUnclosed) => {
    const found = await this.#reading.query<Json>(
      `SELECT json FROM mediaward.finding WHERE id < $1 ${isUnclosed ? 'AND NOT is_closed' : ''}
        ORDER BY id DESC LIMIT $2::bigint`,
      // Ids begin with a digit or a letter up to f.
      storable(below ?? 'g'),
      limit,
    )
    return parsed<Finding>(found)
  }

  /** Returns the suppressions that were not over at a time, the newest first. */
  async suppressions(since: number): Promise<readonly Suppression[]> {
    const found = await this.#reading.query<Json>(
      `SELECT json FROM mediaward.suppression WHERE over > $1::bigint ORDER BY id DESC LIMIT ${MAX_ROWS}`,
      since,
    )
    return parsed<Suppression>(found)
  }

  /** Returns what was said about findings or suppressions, the oldest first. */
  async texts(about: readonly string[]): Promise<readonly FindingText[]> {
    const found = await this.#reading.query<Json>(
      `SELECT json FROM mediaward.finding_text WHERE about IN (SELECT json_array_elements_text($1::text::json))
        ORDER BY id LIMIT ${MAX_ROWS}`,
      JSON.stringify(about.map(storable)),
    )
    return parsed<FindingText>(found)
  }

  async #one<Row>(table: 'finding' | 'suppression' | 'finding_text', id: string): Promise<readonly Row[]> {
    return parsed<Row>(
      await this.#reading.query<Json>(`SELECT json FROM mediaward.${table} WHERE id = $1`, storable(id)),
    )
  }
}

/** Returns rows for a statement: some columns, and all of it as JSON. */
const rows = <Row>(all: readonly Row[], columns: (row: Row) => object): string =>
  JSON.stringify(all.map(row => ({ ...columns(row), json: JSON.stringify(row) })))

const parsed = <Row>(found: readonly Json[]): Row[] => found.map(({ json }) => JSON.parse(json) as Row)

/** Returns an id that someone asked for without what PostgreSQL can't read. */
const storable = (id: string): string => id.replaceAll('\0', '').toWellFormed()

/** Returns under which name a window is stored: its key, or a hash of one that PostgreSQL can't store. */
const windowName = (key: string): string =>
  /^[\x20-\x7e]{1,500}$/.test(key) ? key : `#${createHash('sha256').update(key).digest('hex')}`
