import { KINDS } from '../ledger/event.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Amount } from '../ledger/query/amounts.ts'
import { isReason, REASONS, stageOf } from '../reason.ts'
import type { Family, MetricSource, Sample } from './families.ts'

const REFUSALS: Family = ['mediaward_refusals', 'counter', 'Refusals on record, by stage and reason.']
const RECORDS: Family = ['mediaward_records', 'counter', 'Records that were stored, by kind.']
/** Amounts of which each is a family of its own. */
const FAMILY_OF: Readonly<Record<string, Family>> = {
  summed: ['mediaward_summed_refusals', 'counter', 'Refusals that were part of a flood.'],
  lost: ['mediaward_lost_records', 'counter', 'Records that no store took.'],
  bytes: ['mediaward_delivered_bytes', 'counter', 'Bytes of recordings that left.'],
}

/** The families of what records add up to. */
export const LOG_FAMILIES: readonly Family[] = [REFUSALS, RECORDS, ...Object.values(FAMILY_OF)]

/** Every counter begins at 0: one that begins at 1 shows no increase, and one refusal may matter. */
const ZERO: readonly Amount[] = [
  ...Object.values(REASONS).flatMap(reasons => reasons.map((reason): Amount => ['refusals', reason, 0])),
  ...[...KINDS, ...Object.keys(FAMILY_OF)].map((name): Amount => [name, '', 0]),
]

/** Returns samples of what records add up to. */
export function samplesOfLog(amounts: readonly Amount[]): readonly Sample[] {
  const all = new Map([...ZERO, ...amounts].map(amount => [`${amount[0]} ${amount[1]}`, amount]))
  return [...all.values()].map(([name, reason, value]): Sample => {
    if (name === 'refusals') {
      return [REFUSALS, value, { stage: isReason(reason) ? stageOf(reason) : '', reason }]
    }
    const family = FAMILY_OF[name]
    return family === undefined ? [RECORDS, value, { kind: name }] : [family, value]
  })
}

/**
 * Creates the source of what the whole log adds up to, for gates of many isolates: what one of them has counted says
 * nothing of the others, and is lost with it.
 */
export function createLogSource(ledger: Pick<Ledger, 'count'>): MetricSource {
  return {
    name: 'log',
    async read() {
      const counts = await ledger.count({ by: 'total', since: '1970', until: '9999' })
      return samplesOfLog(counts.map(({ kind, reason = '', count }) => [kind, reason, count]))
    },
  }
}
