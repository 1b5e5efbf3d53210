import { printable } from '../../base/operator.ts'
import { countStates, type Finding, type Group, type State } from '../../doctor/finding.ts'

/** What was found. */
export interface Report {
  /** What was examined, for the first line. */
  readonly title: string
  /** False if the gate left out what concerns other tenants. */
  readonly whole: boolean
  readonly findings: readonly Finding[]
}

const TITLES: Readonly<Record<Group, string>> = {
  settings: 'Settings',
  issuers: 'Issuers',
  keys: 'Keys',
  storage: 'Storage',
  sinks: 'Sinks',
  machine: 'Machine',
  outside: 'Seen from here',
  wrangler: 'wrangler configuration',
}

const SIGNS: Readonly<Record<State, string>> = { ok: '✔', warning: '!', failed: '✘', not_checked: '–' }

/** Formats a report for people: the findings by group, and how to fix what is not as it should be. */
export function formatReport({ title, whole, findings }: Report): string {
  const groups = Map.groupBy(findings, ({ group }) => group)
  const width = Math.max(...findings.map(({ check }) => check.length))
  const parts = [...groups].map(([group, found]) => {
    const lines = found.map(finding => formatFinding(finding, width))
    return [TITLES[group] ?? group, ...lines].join('\n')
  })
  const partly = whole
    ? []
    : ['The checks that concern other tenants, too, are left out: the token is of one tenant.']
  return [title, ...parts, ...partly, summary(findings)].join('\n\n')
}

/** Most characters of what was found that are shown. */
const MAX_SHOWN = 1000

function formatFinding({ state, check, entry, found, fix }: Finding, width: number): string {
  // Names of entries, and parts of what was found, come from elsewhere: no terminal may obey them.
  const about = entry === undefined ? '' : `${printable(entry)}: `
  const line = `  ${SIGNS[state]} ${check.padEnd(width)}  ${about}${printable(found, MAX_SHOWN)}`
  return fix === undefined ? line : `${line}\n${' '.repeat(width + 6)}→ ${printable(fix, MAX_SHOWN)}`
}

function summary(findings: readonly Finding[]): string {
  const { ok, warning, failed, not_checked: unchecked } = countStates(findings)
  const counts = [
    [failed, 'failed'],
    [warning, warning === 1 ? 'warning' : 'warnings'],
    [ok, 'ok'],
    [unchecked, 'not checked'],
  ] as const
  return counts.flatMap(([count, name]) => (count > 0 ? `${count} ${name}` : [])).join(', ')
}
