import {
  type AddedOnce,
  type Changes,
  type Control,
  isAgreed,
  isPending,
  MAX_CHANGES,
  type Once,
  type Reasons,
} from '../../control/control.ts'
import {
  type Change,
  changeOf,
  joined,
  type NewRestriction,
  type Proposal,
  partsOf,
} from '../../control/restriction.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'

interface Kept {
  readonly restriction: NewRestriction
  proposal?: { -readonly [Name in keyof Proposal]: Proposal[Name] }
}

/** Creates the restrictions in memory, for trying out and for tests. It keeps nothing beyond the process. */
export function createMemoryControl(now: () => number = Date.now): Control {
  const inForce = new Map<number, Kept>()
  /** Restrictions that were undone, by the epoch of that. */
  const undone = new Map<number, number>()
  const reasons = new Map<number, Reasons>()
  /** The epochs of revocations, by scope and value. */
  const revoked = new Map<string, number>()
  /** Keys that came, with what they made. */
  const came = new Map<string, Pick<AddedOnce, 'epochs'> & Pick<Once, 'until'>>()
  const arrivals = new Arrivals()
  /** This memory loses nothing, so all changes have one mark. Not drawn at once: Workers have no random numbers then. */
  let drawn: string | undefined
  const ownMark = () => {
    drawn ??= crypto.randomUUID()
    return drawn
  }
  let last = 0

  const find = (epoch: number): Kept | undefined => {
    const kept = inForce.get(epoch)
    return kept && (kept.restriction.until ?? Number.POSITIVE_INFINITY) > now() ? kept : undefined
  }

  const isLostTo = (after: number, mark?: string): boolean =>
    after > last || (after > 0 && mark !== undefined && mark !== ownMark())

  function read(after: number, mark: string | undefined): Changes {
    const isLost = isLostTo(after, mark)
    const known = last > 0 && { mark: ownMark() }
    if (after === last && !isLost) return { changes: [], epoch: last, more: false, ...known }
    const start = isLost ? 0 : after
    const all: Change[] = [...inForce].flatMap(([epoch, { restriction }]) =>
      epoch > start && find(epoch) ? [changeOf({ epoch, ...partsOf(restriction) })] : [],
    )
    for (const [epoch, undoes] of undone) if (epoch > start && undoes <= start) all.push({ epoch, undoes })
    all.sort((one, other) => one.epoch - other.epoch)
    const changes = all.slice(0, MAX_CHANGES)
    const more = all.length > MAX_CHANGES
    const epoch = more ? (changes.at(-1)?.epoch ?? 0) : last
    return { changes, epoch, more, ...known, ...(isLost && { restart: true }) }
  }

  /** Returns a revocation that takes the place of an earlier one of the same login. */
  function replace(revocation: NewRestriction, epoch: number): NewRestriction {
    const name = JSON.stringify([revocation.scope, revocation.value])
    const before = revoked.get(name) ?? 0
    const earlier = find(before)?.restriction
    inForce.delete(before)
    revoked.set(name, epoch)
    return earlier === undefined ? revocation : joined(revocation, earlier)
  }

  function add({ reason, ...others }: NewRestriction): number {
    const epoch = ++last
    inForce.set(epoch, { restriction: others.kind === 'revocation' ? replace(others, epoch) : others })
    if (reason !== undefined) reasons.set(epoch, { made: reason })
    return epoch
  }

  return {
    async add(restriction) {
      const epoch = add(restriction)
      arrivals.announce()
      return epoch
    },

    async addOnce(restrictions, { key, until }) {
      for (const [key, one] of came) if (one.until <= now()) came.delete(key)
      const before = came.get(key)
      if (before !== undefined) return { epochs: before.epochs, isFirst: false }
      const epochs = restrictions.map(add)
      came.set(key, { epochs, until })
      arrivals.announce()
      return { epochs, isFirst: true }
    },

    async undo(epoch, undoing) {
      const kept = find(epoch)
      if (kept === undefined) return 'unknown'
      const { by, at, reason } = undoing
      if (!isAgreed(undoing, kept.proposal)) {
        kept.proposal = { by, at, ...(reason !== undefined && { reason }) }
        return 'proposed'
      }
      inForce.delete(epoch)
      undone.set(++last, epoch)
      if (reason !== undefined) reasons.set(epoch, { ...reasons.get(epoch), undone: reason })
      arrivals.announce()
      return 'undone'
    },

    async list() {
      return [...inForce].flatMap(([epoch, { restriction, proposal }]) => {
        if (restriction.kind !== 'lockdown' || find(epoch) === undefined) return []
        const made = reasons.get(epoch)?.made
        return {
          ...{ epoch, ...restriction },
          ...(made !== undefined && { reason: made }),
          ...(proposal && isPending(proposal, now()) && { proposed: proposal }),
        }
      })
    },

    reasons: async epoch => reasons.get(epoch) ?? {},

    async eraseReason(epoch) {
      reasons.delete(epoch)
      const { proposal } = inForce.get(epoch) ?? {}
      if (proposal !== undefined) delete proposal.reason
    },

    async changes(after, wait, mark) {
      if (wait > 0) await arrivals.wait(() => after !== last || isLostTo(after, mark), wait)
      return read(after, mark)
    },
  }
}
