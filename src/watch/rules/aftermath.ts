import type { Detection } from '../detection.ts'
import { groupOf, NONE, type Rule } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'

const WINDOW = 3 * 3_600_000
/** Most suspects that a tenant has at once. */
const SUSPECTS = 256

/** The rules that make a suspect: of the subject, or of the address that forged tokens came from. */
const BY_SUBJECT: ReadonlySet<string> = new Set(['RG-002', 'RG-006'])
const BY_ADDRESS = 'RG-007'

const rowOf = ({ tenant }: { readonly tenant: string }): string => `RG-009 ${tenant}`

/** What could make a suspect. Most refusals can't, so they need no row. */
const MAKES_SUSPECT = /^(not_owner|tenant_mismatch|recording_unknown|token_)/

/**
 * Who was refused much gets something after all. Suspects of a tenant are one row, which nearly always is known by heart:
 * else each view would need a row of its own.
 */
export const successAfterDenials: Rule = {
  ...{ id: 'RG-009', version: 1, severity: 'critical', canSuppress: true },
  title: 'A caller that tried what it may not was permitted something after all',
  kinds: ['access', 'listed', 'ticket', 'view'],
  group: ['subject'],
  ...{ window: WINDOW, threshold: 1 },
  start: () => ({
    rows: event => (mayMatter(event) ? [rowOf(event)] : []),
    look: (event, rows) => {
      const { kind, subject, address, time } = event
      if (kind !== 'view' && kind !== 'ticket') return NONE
      const { members = [] } = rows.get(rowOf(event)) ?? {}
      const names = [subject, address].filter(name => name !== undefined)
      const isSuspect = members.some(
        ([name, since]) => names.includes(name) && time >= since && time - since < WINDOW,
      )
      return isSuspect ? [{ group: groupOf({ subject }) }] : NONE
    },
    heed: (found, event, rows) => {
      for (const detection of found) {
        const suspect = suspectOf(detection, event)
        if (suspect !== undefined)
          rows.add(rowOf(event), suspect, event.time, { window: WINDOW, cap: SUSPECTS })
      }
    },
  }),
}

function mayMatter({ kind, reason = '' }: WatchedEvent): boolean {
  return kind !== 'access' || MAKES_SUSPECT.test(reason)
}

function suspectOf({ rule, subject }: Detection, { address }: WatchedEvent): string | undefined {
  if (BY_SUBJECT.has(rule)) return subject
  return rule === BY_ADDRESS ? address : undefined
}
