import { joined, markOf, type NewRestriction, type StoredChange } from '../../../control/restriction.ts'
import type { StatesStorage } from '../follower-states.ts'

/**
 * - `control`: one row with the last epoch, and up to which epoch the changes are copied elsewhere too.
 * - `restriction`: the changes. `ends`: when the restriction ends by itself; an undo has the end of what it undoes. `undone`:
 *   the epoch of the change that undid this one, or of the revocation that took its place.
 * - `restriction_once`: the keys of what counts once, with the epochs that it got as JSON.
 * - `restriction_reason`: why each was made (0) and undone (1), as JSON: SQLite keeps no half of a character.
 */
const TABLES = [
  'CREATE TABLE IF NOT EXISTS control (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, copied INTEGER NOT NULL) STRICT',
  'INSERT OR IGNORE INTO control VALUES (1, 0, 0)',
  'CREATE TABLE IF NOT EXISTS restriction (epoch INTEGER PRIMARY KEY, change TEXT NOT NULL, about TEXT NOT NULL, is_listed INTEGER NOT NULL, ends INTEGER, undoes INTEGER, undone INTEGER) STRICT',
  'CREATE INDEX IF NOT EXISTS restriction_ends ON restriction (ends) WHERE ends IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS restriction_listed ON restriction (epoch) WHERE is_listed = 1',
  "CREATE INDEX IF NOT EXISTS restriction_revoked ON restriction (json_extract(change, '$.value'), json_extract(change, '$.scope')) WHERE is_listed = 0 AND undoes IS NULL AND undone IS NULL",
  'CREATE TABLE IF NOT EXISTS restriction_once (key TEXT PRIMARY KEY, epochs TEXT NOT NULL, ends INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE INDEX IF NOT EXISTS restriction_once_ends ON restriction_once (ends)',
  'CREATE TABLE IF NOT EXISTS restriction_reason (epoch INTEGER, of INTEGER, reason TEXT NOT NULL, PRIMARY KEY (epoch, of)) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS restriction_proposal (epoch INTEGER PRIMARY KEY, proposal TEXT NOT NULL) STRICT',
]
/** After so long no reader knows a change by an epoch that was given twice, in milliseconds. */
const UNDONE_FOR = 30 * 24 * 3_600_000
/** What readers learn of: neither what was undone nor what has ended. Takes the time. */
export const IN_FORCE = 'undone IS NULL AND (ends IS NULL OR ends > ?)'

/** The changes of the restrictions as rows of SQLite, and what a copy elsewhere takes from them and gives back. */
export class ChangeRows {
  readonly #storage: StatesStorage
  readonly #now: () => number

  constructor(storage: StatesStorage, now: () => number) {
    this.#storage = storage
    this.#now = now
    for (const statement of TABLES) storage.sql(statement)
  }

  /** The last epoch. */
  get epoch(): number {
    return this.#state('epoch')
  }

  /** Up to this epoch a copy has the changes. */
  get copied(): number {
    return this.#state('copied')
  }

  #state(column: 'epoch' | 'copied'): number {
    const [row] = this.#storage.sql<{ value: number }>(`SELECT ${column} AS value FROM control`)
    return row?.value ?? 0
  }

  /** Returns the mark of the change with an epoch. Undefined if there is none. */
  markAt(epoch: number): string | undefined {
    const [row] = this.#storage.sql<StoredChange>(
      'SELECT change, about FROM restriction WHERE epoch = ?',
      epoch,
    )
    return row && markOf(row)
  }

  /** Returns whether a reader that asks after an epoch, with the mark that it has for it, must forget all. */
  isLost(after: number, mark: string | undefined): boolean {
    return after > this.epoch || (after > 0 && mark !== undefined && mark !== this.markAt(after))
  }

  /** Returns what a copy needs of the changes after an epoch, by rising epoch. */
  stored(after: number, limit: number): readonly StoredChange[] {
    return this.#storage.sql<StoredChange>(
      `SELECT epoch, change, about FROM restriction WHERE epoch > ? AND ${IN_FORCE} ORDER BY epoch LIMIT ?`,
      ...[after, this.#now(), limit],
    )
  }

  /** How many characters a copy of all changes has, about. */
  get storedSize(): number {
    const [row] = this.#storage.sql<{ size: number }>(
      `SELECT total(length(change) + length(about) + 50) AS size FROM restriction WHERE ${IN_FORCE}`,
      this.#now(),
    )
    return row?.size ?? 0
  }

  /** Notes up to which epoch a copy has the changes. */
  setCopied(epoch: number): void {
    this.#storage.sql('UPDATE control SET copied = ?', epoch)
  }

  /**
   * Takes over from a copy what these tables have lost, as they were set back. If epochs were given again since, some readers know
   * other changes by them than others do: then each of these is undone, and made again with an epoch that no reader knows.
   *
   * @param end the last epoch of the copy
   */
  async takeOver(changes: readonly StoredChange[], end: number): Promise<void> {
    const { sql } = this.#storage
    await this.#storage.write(() => {
      const own = 'SELECT 1 FROM restriction WHERE epoch = ? AND change = ? AND about = ?'
      const lost = changes.filter(one => sql(own, one.epoch, one.change, one.about).length === 0)
      const { epoch: last } = this
      const first = lost.find(({ epoch }) => epoch <= last)?.epoch
      if (first === undefined) for (const one of lost) this.insert(one)
      else this.#renumber(lost, first, Math.max(last, end))
      sql('UPDATE control SET epoch = max(epoch, ?)', end)
    })
  }

  #renumber(lost: readonly StoredChange[], first: number, last: number): void {
    const { sql } = this.#storage
    const given = sql<StoredChange>(
      'SELECT epoch, change, about FROM restriction WHERE epoch >= ? ORDER BY epoch',
      first,
    )
    sql('UPDATE control SET epoch = ?', last)
    const about = JSON.stringify({ until: this.#now() + UNDONE_FOR })
    for (let epoch = first; epoch <= last; epoch++) {
      this.insert({ epoch: this.epoch + 1, change: JSON.stringify({ undoes: epoch }), about })
    }
    for (const some of [lost, given]) {
      const others = new Map<number, number>()
      for (const { epoch, change, about } of some) {
        const { undoes } = JSON.parse(change) as { readonly undoes?: number }
        const other = undoes && others.get(undoes)
        const number = this.epoch + 1
        others.set(epoch, number)
        this.insert({ epoch: number, change: other ? JSON.stringify({ undoes: other }) : change, about })
        if (some !== given) continue
        for (const table of ['restriction_reason', 'restriction_proposal'])
          sql(`UPDATE ${table} SET epoch = ? WHERE epoch = ?`, number, epoch)
      }
    }
  }

  /**
   * Has a revocation take the place of those of the same login, and returns it with what they refuse. The rows of these stay for a
   * while, as those of what ended. To be called in a transaction.
   */
  protected replace(revocation: NewRestriction, epoch: number): NewRestriction {
    const { sql } = this.#storage
    const now = Math.floor(this.#now())
    const earlier = sql<StoredChange & { ends: number | null }>(
      `SELECT epoch, change, ends FROM restriction WHERE is_listed = 0 AND undoes IS NULL AND undone IS NULL
        AND json_extract(change, '$.value') = ? AND json_extract(change, '$.scope') = ?`,
      ...[revocation.value ?? null, revocation.scope],
    )
    let whole = revocation
    for (const { epoch: before, change, ends } of earlier) {
      sql(
        'UPDATE restriction SET undone = ?, ends = ? WHERE epoch = ?',
        epoch,
        Math.min(ends ?? now, now),
        before,
      )
      if (ends === null || ends > now) whole = joined(whole, JSON.parse(change) as NewRestriction)
    }
    return whole
  }

  /** Adds a change. To be called in a transaction. */
  protected insert({ epoch, change, about }: StoredChange): void {
    const { sql } = this.#storage
    const { kind, undoes, until } = {
      ...(JSON.parse(about) as { readonly until?: number }),
      ...(JSON.parse(change) as Partial<NewRestriction> & { readonly undoes?: number }),
    }
    const ends = typeof until === 'number' ? Math.ceil(until) : null
    const row = [epoch, change, about, kind === 'lockdown' ? 1 : 0, ends, undoes ?? null]
    sql('INSERT INTO restriction VALUES (?, ?, ?, ?, ?, ?, NULL)', ...row)
    if (undoes !== undefined) sql('UPDATE restriction SET undone = ? WHERE epoch = ?', epoch, undoes)
    sql('UPDATE control SET epoch = ?', epoch)
  }
}
