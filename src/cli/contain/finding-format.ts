import { titleOf } from '../../watch/in-force.ts'
import { RUNBOOKS } from '../../watch/runbooks.ts'
import { member, stringMember } from '../json.ts'
import { clean } from './console-call.ts'

/** How many characters of a pseudonym a line shows. */
const SHOWN = 12

/** Returns a line about a finding. */
export function formatFinding(finding: unknown): string {
  const rule = `${stringMember(finding, 'rule')}`
  const quiet = member(finding, 'suppressed_by') === undefined ? '' : 'suppressed'
  const columns = [
    timeOf(member(finding, 'last_seen')),
    `${stringMember(finding, 'severity')}`.padEnd(8),
    `${stringMember(finding, 'state')}`.padEnd(12),
    rule,
    `${member(finding, 'count')}×`.padStart(5),
    titleOf(rule),
    groupOf(finding),
    ...(member(finding, 'dry_run') === true ? ['dry run'] : []),
    ...(quiet === '' ? [] : [quiet]),
    `${stringMember(finding, 'id')}`,
  ]
  return clean(columns.join('  '))
}

/** Returns what is known of a finding, as lines. */
export function formatShown(answer: unknown): readonly string[] {
  const finding = member(answer, 'finding')
  const rule = `${stringMember(finding, 'rule')}`
  const runbook = Object.hasOwn(RUNBOOKS, rule) ? RUNBOOKS[rule] : undefined
  const evidence = member(finding, 'evidence')
  const records = ['first', 'last'].flatMap(name => {
    const some = member(evidence, name)
    return Array.isArray(some) ? (some as readonly unknown[]) : []
  })
  const texts = member(answer, 'texts')
  const about = member(finding, 'about')
  const lines = [
    formatFinding(finding),
    `first seen ${timeOf(member(finding, 'first_seen'))}, last seen ${timeOf(member(finding, 'last_seen'))}`,
    ...['subjects', 'recordings', 'releases'].flatMap(name => listed(about, name)),
    ...(runbook === undefined
      ? []
      : [
          `what it means: ${runbook.meaning}`,
          `often harmless: ${runbook.falsePositives}`,
          `what to do: ${runbook.whatToDo}`,
        ]),
    `records: ${records.join(', ')}`,
    ...(Array.isArray(texts) ? (texts as readonly unknown[]) : []).map(
      text =>
        `${timeOf(member(text, 'at'))} ${stringMember(text, 'by')?.slice(0, SHOWN)}: ${stringMember(text, 'text') ?? '(erased)'}`,
    ),
  ]
  return lines.map(clean)
}

/** Returns a line about a suppression. */
export function formatSuppression(suppression: unknown): string {
  const columns = [
    `${stringMember(suppression, 'rule')}`,
    groupOf(suppression),
    ...timesOf(suppression),
    `${member(suppression, 'hits')} hits`,
    `by ${stringMember(suppression, 'owner')?.slice(0, SHOWN)}`,
    stringMember(member(suppression, 'reason'), 'text') ?? '(why is erased)',
    `${stringMember(suppression, 'id')}`,
  ]
  return clean(columns.join('  '))
}

/** Says when a suppression is in force. One that was ended before it began never is. */
function timesOf(suppression: unknown): readonly string[] {
  const [starts, ended, expires] = ['starts', 'ended', 'expires'].map(name => member(suppression, name))
  if (typeof ended === 'number' && typeof starts === 'number' && ended <= starts) {
    return [`ended ${timeOf(ended)}, before it was to begin at ${timeOf(starts)}`]
  }
  const from = starts === undefined ? [] : [`from ${timeOf(starts)}`]
  return [...from, ended === undefined ? `until ${timeOf(expires)}` : `ended ${timeOf(ended)}`]
}

function groupOf(one: unknown): string {
  const pairs = Object.entries(Object(member(one, 'group')) as Record<string, unknown>)
  return pairs
    .map(([name, value]) => `${name} ${`${value}`.slice(0, name === 'release' ? 32 : 16)}`)
    .join(', ')
}

function listed(about: unknown, name: string): readonly string[] {
  const values = member(about, name)
  return Array.isArray(values) && values.length > 0 ? [`${name}: ${values.join(', ')}`] : []
}

const timeOf = (time: unknown): string => (typeof time === 'number' ? new Date(time).toISOString() : 'never')
