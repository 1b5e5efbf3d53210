import type { Manifest, SegmentQuery } from '../../archive/live-log.ts'
import type { Segment } from '../../archive/manifest.ts'
import type { StatesStorage } from './follower-states.ts'

const COLUMNS = 'first, last, since, until, written, bytes, sha256, terms'

/** The manifest of the archive as tables of SQLite beside the log, the same in a Durable Object and in a file. */
export class SegmentTable implements Manifest {
  readonly #storage: StatesStorage
  #last: Segment | undefined

  constructor(storage: StatesStorage) {
    this.#storage = storage
    storage.sql(`CREATE TABLE IF NOT EXISTS archive_segment (
      first INTEGER PRIMARY KEY, last INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
      written INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL
    ) STRICT`)
    // Apart from the rest, so that a query by time reads few pages of the database.
    storage.sql(
      'CREATE TABLE IF NOT EXISTS archive_terms (first INTEGER PRIMARY KEY, terms TEXT NOT NULL) STRICT',
    )
    this.#last = this.#end('DESC')
  }

  async first(): Promise<Segment | undefined> {
    return this.#end('ASC')
  }

  async last(): Promise<Segment | undefined> {
    return this.#last
  }

  async find({ from, to, since, until, isNewestFirst, limit }: SegmentQuery): Promise<readonly Segment[]> {
    return this.#storage.sql<Segment>(
      `SELECT ${COLUMNS} FROM archive_segment JOIN archive_terms USING (first)
        WHERE first >= (SELECT coalesce(max(first), 0) FROM archive_segment WHERE first <= ?)
          AND first < ? AND last >= ? AND until >= ? AND since < ?
        ORDER BY first ${isNewestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
      ...[from, to, from, since, Math.min(until, Number.MAX_SAFE_INTEGER), limit],
    )
  }

  async add(segment: Segment): Promise<void> {
    const { first, last, since, until, written, bytes, sha256, terms } = segment
    await this.#storage.write(() => {
      this.#storage.sql(
        'INSERT OR REPLACE INTO archive_segment (first, last, since, until, written, bytes, sha256) VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[first, last, since, until, written, bytes, sha256],
      )
      this.#storage.sql('INSERT OR REPLACE INTO archive_terms (first, terms) VALUES (?, ?)', first, terms)
    })
    this.#last = this.#end('DESC')
  }

  async remove(first: number): Promise<void> {
    await this.#storage.write(() => {
      this.#storage.sql('DELETE FROM archive_segment WHERE first = ?', first)
      this.#storage.sql('DELETE FROM archive_terms WHERE first = ?', first)
    })
  }

  #end(order: 'ASC' | 'DESC'): Segment | undefined {
    return this.#storage.sql<Segment>(
      `SELECT ${COLUMNS} FROM archive_segment JOIN archive_terms USING (first) ORDER BY first ${order} LIMIT 1`,
    )[0]
  }
}
