import { groupOf, NONE, type Rule } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'
import type { Severity } from '../severity.ts'
import { isForeign } from './foreign.ts'

// Lists that an app is about to show.

/** So many foreign answers are no rest that an app filters, even if it says that it filters. */
const MANY = 20

/** How many answers a list has, and how many of them are about what is another's. */
export interface ListedForeign {
  readonly all: number
  readonly foreign: number
  readonly recordings: readonly string[]
  /** True if the app says that it filters, and not so much is foreign that it can't be so. */
  readonly isFiltered: boolean
}

/** Returns the foreign answers of a `listed` record. A recording that isn't there has no owner: it doesn't count. */
export function foreignOf(event: WatchedEvent): ListedForeign {
  const answers = event.answers
  const others = answers.filter(({ reason }) => isForeign(reason))
  const foreign = others.length
  const isFew = foreign < MANY && 2 * foreign < answers.length
  return {
    all: answers.length,
    foreign,
    recordings: others.flatMap(({ recording }) => recording ?? []),
    isFiltered: event.said.mode === 'filter' && isFew,
  }
}

/** A list is an app's doing, so the finding is about its release: a bug would make one for each patient otherwise. */
export const foreignList: Rule = {
  ...{ id: 'RG-005', version: 1, severity: 'critical', canSuppress: true },
  title: "An app was about to list another's recordings",
  kinds: ['listed'],
  group: ['release', 'client'],
  start: () => ({
    look: event => {
      const { foreign, recordings, isFiltered } = foreignOf(event)
      if (foreign === 0) return NONE
      const { release, client, subject } = event
      const isOfApp = release !== undefined || client !== undefined
      const group = groupOf(isOfApp ? { release, client } : { subject })
      const severity: Severity = isFiltered ? 'medium' : 'critical'
      return [{ group, severity, count: foreign, recordings }]
    },
  }),
}
