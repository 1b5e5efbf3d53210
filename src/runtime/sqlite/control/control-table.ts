import {
  type Changes,
  type Control,
  isAgreed,
  isPending,
  MAX_CHANGES,
  type Reasons,
  type Undoing,
  type Undone,
} from '../../../control/control.ts'
import {
  changeOf,
  type ListedRestriction,
  type NewRestriction,
  type Proposal,
  partsOf,
  type StoredChange,
} from '../../../control/restriction.ts'
import { Arrivals } from '../../../ledger/query/arrivals.ts'
import type { StatesStorage } from '../follower-states.ts'

/**
 * - `control`: one row with the last epoch, and up to which epoch the changes are copied elsewhere too.
 * - `restriction`: the changes. `ends`: when the restriction ends by itself; an undo has the end of what it undoes. `undone`:
 *   the epoch of the change that undid this one.
 * - `restriction_reason`: why each was made (0) and undone (1), as JSON: SQLite keeps no half of a character.
 */
const TABLES = [
  'CREATE TABLE IF NOT EXISTS control (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, copied INTEGER NOT NULL) STRICT',
  'INSERT OR IGNORE INTO control VALUES (1, 0, 0)',
  'CREATE TABLE IF NOT EXISTS restriction (epoch INTEGER PRIMARY KEY, change TEXT NOT NULL, about TEXT NOT NULL, is_listed INTEGER NOT NULL, ends INTEGER, undoes INTEGER, undone INTEGER) STRICT',
  'CREATE INDEX IF NOT EXISTS restriction_ends ON restriction (ends) WHERE ends IS NOT NULL',
  'CREATE INDEX IF NOT EXISTS restriction_listed ON restriction (epoch) WHERE is_listed = 1',
  'CREATE TABLE IF NOT EXISTS restriction_reason (epoch INTEGER, of INTEGER, reason TEXT NOT NULL, PRIMARY KEY (epoch, of)) STRICT, WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS restriction_proposal (epoch INTEGER PRIMARY KEY, proposal TEXT NOT NULL) STRICT',
]
/** After so long no reader knows a change by an epoch that was given twice, in milliseconds. */
const UNDONE_FOR = 30 * 24 * 3_600_000
const MADE = 0
const UNDONE = 1
/** A change is kept for so long after its end, in milliseconds: a reader's clock may be behind. */
const MARGIN = 300_000
/** Most ended changes that are removed at once. */
const MAX_REMOVED = 1_000
const IN_FORCE = 'undone IS NULL AND (ends IS NULL OR ends > ?)'

/**
 * The restrictions as tables of SQLite, the same in a Durable Object and in a file.
 *
 * A change is removed after its end. What was undone and has no end of its own stays: a reader may have slept for however long,
 * and must learn of it.
 */
export class ControlTable implements Control {
  readonly #storage: StatesStorage
  readonly #now: () => number
  readonly #arrivals = new Arrivals()

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

  async add(restriction: NewRestriction): Promise<number> {
    const epoch = await this.#storage.write(() => {
      const { sql } = this.#storage
      sql(
        'DELETE FROM restriction WHERE epoch IN (SELECT epoch FROM restriction WHERE ends <= ? LIMIT ?)',
        ...[this.#now() - MARGIN, MAX_REMOVED],
      )
      sql('DELETE FROM restriction_proposal WHERE epoch NOT IN (SELECT epoch FROM restriction)')
      const { reason, ...parts } = partsOf(restriction)
      const stored = { ...parts, epoch: this.epoch + 1 }
      this.#insert(stored)
      this.#keepReason(stored.epoch, MADE, reason)
      return stored.epoch
    })
    this.wake()
    return epoch
  }

  async undo(epoch: number, undoing: Undoing): Promise<Undone> {
    const undone = await this.#storage.write(() => this.#undo(epoch, undoing))
    if (undone === 'undone') this.wake()
    return undone
  }

  #undo(epoch: number, undoing: Undoing): Undone {
    const { sql } = this.#storage
    const [target] = sql<{ ends: number | null; proposal: string | null }>(
      `SELECT ends, proposal FROM restriction LEFT JOIN restriction_proposal USING (epoch)
        WHERE epoch = ? AND undoes IS NULL AND ${IN_FORCE}`,
      ...[epoch, this.#now()],
    )
    if (target === undefined) return 'unknown'
    const { by, at, reason } = undoing
    if (!isAgreed(undoing, parse<Proposal>(target.proposal))) {
      const proposal = JSON.stringify({ by, at, reason })
      sql('INSERT OR REPLACE INTO restriction_proposal VALUES (?, ?)', epoch, proposal)
      return 'proposed'
    }
    const about = JSON.stringify({ by, at, until: target.ends ?? undefined })
    this.#insert({ epoch: this.epoch + 1, change: JSON.stringify({ undoes: epoch }), about })
    sql('DELETE FROM restriction_proposal WHERE epoch = ?', epoch)
    this.#keepReason(epoch, UNDONE, reason)
    return 'undone'
  }

  async list(): Promise<readonly ListedRestriction[]> {
    const now = this.#now()
    const rows = this.#storage.sql<StoredChange & { reason: string | null; proposal: string | null }>(
      `SELECT epoch, change, about, reason, proposal FROM restriction
        LEFT JOIN (SELECT epoch, reason FROM restriction_reason WHERE of = ?) USING (epoch)
        LEFT JOIN restriction_proposal USING (epoch) WHERE is_listed = 1 AND ${IN_FORCE} ORDER BY epoch`,
      ...[MADE, now],
    )
    return rows.map(({ epoch, change, about, reason, proposal }) => {
      const proposed = parse<Proposal>(proposal)
      return {
        ...{ epoch, ...JSON.parse(change), ...JSON.parse(about) },
        ...(reason !== null && { reason: JSON.parse(reason) }),
        ...(proposed && isPending(proposed, now) && { proposed }),
      }
    })
  }

  async reasons(epoch: number): Promise<Reasons> {
    const rows = this.#storage.sql<{ of: number; reason: string }>(
      'SELECT of, reason FROM restriction_reason WHERE epoch = ?',
      epoch,
    )
    return Object.fromEntries(
      rows.map(({ of, reason }) => [of === MADE ? 'made' : 'undone', JSON.parse(reason)]),
    )
  }

  eraseReason(epoch: number): Promise<void> {
    const { sql } = this.#storage
    return this.#storage.write(() => {
      sql('DELETE FROM restriction_reason WHERE epoch = ?', epoch)
      sql(
        "UPDATE restriction_proposal SET proposal = json_remove(proposal, '$.reason') WHERE epoch = ?",
        epoch,
      )
    })
  }

  async changes(after: number, wait: number): Promise<Changes> {
    if (wait > 0) await this.#arrivals.wait(() => this.epoch !== after, wait)
    const { epoch: last } = this
    const isLost = after > last
    const start = isLost ? 0 : after
    const rows =
      start === last
        ? []
        : this.#storage.sql<StoredChange>(
            `SELECT epoch, change FROM restriction WHERE epoch > ? AND ${IN_FORCE} AND coalesce(undoes, 0) <= ?
              ORDER BY epoch LIMIT ?`,
            ...[start, this.#now(), start, MAX_CHANGES + 1],
          )
    const more = rows.length > MAX_CHANGES
    const changes = rows.slice(0, MAX_CHANGES).map(changeOf)
    return {
      changes,
      epoch: more ? (changes.at(-1)?.epoch ?? last) : last,
      more,
      ...(isLost && { restart: true }),
    }
  }

  /** Wakes the readers that wait. */
  wake(): void {
    this.#arrivals.announce()
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
      if (first === undefined) for (const one of lost) this.#insert(one)
      else this.#renumber(lost, first, Math.max(last, end))
      sql('UPDATE control SET epoch = max(epoch, ?)', end)
    })
    this.wake()
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
      this.#insert({ epoch: this.epoch + 1, change: JSON.stringify({ undoes: epoch }), about })
    }
    for (const some of [lost, given]) {
      const others = new Map<number, number>()
      for (const { epoch, change, about } of some) {
        const { undoes } = JSON.parse(change) as { readonly undoes?: number }
        const other = undoes && others.get(undoes)
        const number = this.epoch + 1
        others.set(epoch, number)
        this.#insert({ epoch: number, change: other ? JSON.stringify({ undoes: other }) : change, about })
        if (some !== given) continue
        for (const table of ['restriction_reason', 'restriction_proposal'])
          sql(`UPDATE ${table} SET epoch = ? WHERE epoch = ?`, number, epoch)
      }
    }
  }

  /** To be called in a transaction. */
  #insert({ epoch, change, about }: StoredChange): void {
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

  #keepReason(epoch: number, of: number, reason: string | undefined): void {
    if (reason === undefined) return
    const row = [epoch, of, JSON.stringify(reason)]
    this.#storage.sql('INSERT OR REPLACE INTO restriction_reason VALUES (?, ?, ?)', ...row)
  }
}

const parse = <Value>(json: string | null): Value | undefined =>
  json === null ? undefined : (JSON.parse(json) as Value)
