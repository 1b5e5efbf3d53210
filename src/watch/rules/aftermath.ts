import type { Detection } from '../detection.ts'
import type { Rows } from '../engine/rows.ts'
import { groupOf, NONE, type Rule } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'
import { isForged } from './forged.ts'

const WINDOW = 3 * 3_600_000
/** Most suspects that a row has. */
const SUSPECTS = 256

/** The subjects that are suspects in a tenant. */
const subjectsIn = ({ tenant }: WatchedEvent): string => `RG-009 ${tenant}`
/** The addresses that are. A token that isn't accepted belongs to no tenant. A flood of them must not fill the row of a tenant. */
const ADDRESSES = 'RG-009 addresses'

/** What could make a suspect. Most refusals can't, so they need no row. */
const MAKES_SUSPECT = /^(not_owner|tenant_mismatch|recording_unknown|token_)/

/**
 * Who was refused much gets something after all. Suspects of a tenant are one row, which nearly always is known by heart:
 * else each view would need a row of its own. Behind an address may be many people, so that one is not as bad, and is one finding.
 */
export const successAfterDenials: Rule = {
  ...{ id: 'RG-009', version: 1, severity: 'critical', canSuppress: true },
  title: 'A caller that tried what it may not was permitted something after all',
  kinds: ['access', 'listed', 'ticket', 'view'],
  group: ['network', 'subject'],
  ...{ window: WINDOW, threshold: 1 },
  start: () => ({
    rows: event => (mayMatter(event) ? [subjectsIn(event), ADDRESSES] : []),
    look: (event, rows) => {
      const { kind, subject, address, network, time } = event
      if (kind !== 'view' && kind !== 'ticket') return NONE
      if (isSuspect(subject, rows.get(subjectsIn(event)), time)) return [{ group: groupOf({ subject }) }]
      if (!isSuspect(address, rows.get(ADDRESSES), time)) return NONE
      return [{ group: groupOf({ network }), severity: 'high' }]
    },
    heed: (found, event, rows) => {
      const { subject, address, reason } = event
      const note = (row: string, name: string | undefined) => {
        if (name !== undefined) rows.add(row, name, event.time, { window: WINDOW, cap: SUSPECTS })
      }
      if (found.some(isOfSuspect)) note(subjectsIn(event), subject)
      if (isForged(reason) && found.some(({ rule }) => rule === 'RG-007')) note(ADDRESSES, address)
    },
  }),
}

function mayMatter({ kind, reason = '' }: WatchedEvent): boolean {
  return kind !== 'access' || MAKES_SUSPECT.test(reason)
}

/** On a device that a family shares, the next thing that a person does is to watch their own. */
function isOfSuspect({ rule, severity }: Detection): boolean {
  return rule === 'RG-006' || (rule === 'RG-002' && severity === 'critical')
}

function isSuspect(name: string | undefined, row: ReturnType<Rows['get']>, time: number): boolean {
  const { members = [] } = row ?? {}
  return members.some(([one, since]) => one === name && time >= since && time - since < WINDOW)
}
