import { present } from '../../../base/present.ts'
import {
  type AddedOnce,
  type Changes,
  type Control,
  isAgreed,
  isPending,
  MAX_CHANGES,
  type Once,
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
import { ChangeRows, IN_FORCE } from './change-rows.ts'

const MADE = 0
const UNDONE = 1
/** A change is kept for so long after its end, in milliseconds: a reader's clock may be behind. */
const MARGIN = 300_000
/** Most ended changes that are removed at once. */
const MAX_REMOVED = 1_000
/**
 * The restrictions as tables of SQLite, the same in a Durable Object and in a file.
 *
 * A change is removed after its end. What was undone and has no end of its own stays: a reader may have slept for however long,
 * and must learn of it.
 */
export class ControlTable extends ChangeRows implements Control {
  readonly #storage: StatesStorage
  readonly #now: () => number
  readonly #arrivals = new Arrivals()

  constructor(storage: StatesStorage, now: () => number) {
    super(storage, now)
    this.#storage = storage
    this.#now = now
  }

  async add(restriction: NewRestriction): Promise<number> {
    const epoch = await this.#storage.write(() => {
      this.#removeEnded()
      return this.#add(restriction)
    })
    this.wake()
    return epoch
  }

  async addOnce(restrictions: readonly NewRestriction[], { key, until }: Once): Promise<AddedOnce> {
    const { sql } = this.#storage
    const added = await this.#storage.write(() => {
      this.#removeEnded()
      const [before] = sql<{ epochs: string }>('SELECT epochs FROM restriction_once WHERE key = ?', key)
      if (before !== undefined) return { epochs: JSON.parse(before.epochs) as number[], isFirst: false }
      const epochs = restrictions.map(one => this.#add(one))
      sql('INSERT INTO restriction_once VALUES (?, ?, ?)', key, JSON.stringify(epochs), Math.ceil(until))
      return { epochs, isFirst: true }
    })
    this.wake()
    return added
  }

  #add(restriction: NewRestriction): number {
    const epoch = this.epoch + 1
    const isRevocation = restriction.kind === 'revocation'
    const { reason, ...parts } = partsOf(isRevocation ? this.replace(restriction, epoch) : restriction)
    const stored = { ...parts, epoch }
    this.insert(stored)
    this.#keepReason(stored.epoch, MADE, reason)
    return stored.epoch
  }

  #removeEnded(): void {
    const { sql } = this.#storage
    const ended = [this.#now() - MARGIN, MAX_REMOVED]
    // The last one stays: readers name it by its mark.
    sql(
      `DELETE FROM restriction WHERE epoch IN
        (SELECT epoch FROM restriction WHERE ends <= ? AND epoch < (SELECT epoch FROM control) LIMIT ?)`,
      ...ended,
    )
    sql(
      'DELETE FROM restriction_once WHERE key IN (SELECT key FROM restriction_once WHERE ends <= ? LIMIT ?)',
      ...ended,
    )
    sql('DELETE FROM restriction_proposal WHERE epoch NOT IN (SELECT epoch FROM restriction)')
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
    this.insert({ epoch: this.epoch + 1, change: JSON.stringify({ undoes: epoch }), about })
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

  async changes(after: number, wait: number, mark?: string): Promise<Changes> {
    if (wait > 0) await this.#arrivals.wait(() => this.epoch !== after || this.isLost(after, mark), wait)
    const { epoch: last } = this
    const isLost = this.isLost(after, mark)
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
    const epoch = more ? (changes.at(-1)?.epoch ?? last) : last
    return {
      ...{ changes, epoch, more, ...present({ mark: this.markAt(epoch) }) },
      ...(isLost && { restart: true }),
    }
  }

  /** Wakes the readers that wait. */
  wake(): void {
    this.#arrivals.announce()
  }

  override async takeOver(changes: readonly StoredChange[], end: number): Promise<void> {
    await super.takeOver(changes, end)
    this.wake()
  }

  #keepReason(epoch: number, of: number, reason: string | undefined): void {
    if (reason === undefined) return
    const row = [epoch, of, JSON.stringify(reason)]
    this.#storage.sql('INSERT OR REPLACE INTO restriction_reason VALUES (?, ?, ?)', ...row)
  }
}

const parse = <Value>(json: string | null): Value | undefined =>
  json === null ? undefined : (JSON.parse(json) as Value)
