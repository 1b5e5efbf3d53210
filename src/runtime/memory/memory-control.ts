import { type Changes, type Control, MAX_CHANGES, PROPOSAL } from '../../control/control.ts'
import type { Change, ListedRestriction } from '../../control/restriction.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'

/** Creates the control of restrictions in memory, for trials and tests. It is lost when the process ends. */
export function createMemoryControl(now: () => number = Date.now): Control {
  const restrictions = new Map<number, ListedRestriction>()
  const changes: Change[] = []
  const arrivals = new Arrivals()
  const isOver = ({ until }: ListedRestriction) => until !== undefined && until <= now()
  return {
    async add(restriction) {
      const epoch = changes.length + 1
      restrictions.set(epoch, { ...restriction, epoch })
      const { at: _, by: __, reason: ___, finding: ____, ...change } = restriction
      changes.push({ ...change, epoch })
      arrivals.announce()
      return epoch
    },

    async undo(epoch, { by, at, needsSecond }) {
      const restriction = restrictions.get(epoch)
      if (restriction === undefined || isOver(restriction)) return 'unknown'
      const { proposed } = restriction
      const isSeconded = proposed !== undefined && proposed.by !== by && at - proposed.at < PROPOSAL
      if (needsSecond && !isSeconded) {
        const isOpen = proposed !== undefined && at - proposed.at < PROPOSAL
        if (!isOpen) restrictions.set(epoch, { ...restriction, proposed: { by, at } })
        return 'proposed'
      }
      restrictions.delete(epoch)
      changes.push({ epoch: changes.length + 1, undoes: epoch })
      arrivals.announce()
      return 'undone'
    },

    list: async () => [...restrictions.values()].filter(one => one.kind === 'lockdown' && !isOver(one)),

    async eraseReason(epoch) {
      const { reason: _, ...rest } = restrictions.get(epoch) ?? { epoch: 0 }
      if (rest.epoch !== 0) restrictions.set(epoch, rest as ListedRestriction)
    },

    async changes(after, wait): Promise<Changes> {
      if (wait > 0) await arrivals.wait(() => changes.length !== after, wait)
      const restart = after > changes.length
      const page = changes.slice(restart ? 0 : after, (restart ? 0 : after) + MAX_CHANGES)
      const epoch = page.at(-1)?.epoch ?? changes.length
      // Of a state from the start, what has ended by itself matters to none.
      const left = page.filter(
        change => 'undoes' in change || change.until === undefined || change.until > now(),
      )
      return { changes: left, epoch, more: epoch < changes.length, ...(restart && { restart }) }
    },
  }
}
