import { titleOf } from '../../watch/in-force.ts'
import { RUNBOOKS } from '../../watch/runbooks.ts'
import { member, stringMember } from '../json.ts'
import { clean } from './console-call.ts'
import type { FindingContext, Mark } from './finding-context.ts'
import { quoted } from './target.ts'

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
export function formatShown(answer: unknown, context: FindingContext): readonly string[] {
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
    ...groupLine(finding),
    ...['subjects', 'recordings', 'releases'].flatMap(name => listed(about, name)),
    ...context.releases.map(mark => markLine(mark, Number(member(finding, 'first_seen')))),
    ...doneLines(finding),
    ...lockdownLines(context.lockdowns),
    ...(runbook === undefined
      ? []
      : [
          `what it means: ${runbook.meaning}`,
          `often harmless: ${runbook.falsePositives}`,
          `what to do: ${runbook.whatToDo}`,
        ]),
    ...context.related.map(relatedLine),
    `records: ${records.join(', ')}`,
    ...(Array.isArray(texts) ? (texts as readonly unknown[]) : []).map(
      text =>
        `${timeOf(member(text, 'at'))} ${stringMember(text, 'by')?.slice(0, SHOWN)}: ${stringMember(text, 'text') ?? '(erased)'}`,
    ),
  ]
  return lines.map(clean)
}

/** What a finding is grouped by, whole, each as `suppress --group` takes it. */
function groupLine(finding: unknown): readonly string[] {
  const pairs = Object.entries(Object(member(finding, 'group')) as Record<string, unknown>)
  return pairs.length === 0
    ? []
    : [`group: ${pairs.map(([name, value]) => `${name}=${quoted(`${value}`)}`).join(' ')}`]
}

/** What was done about a finding, and by whom. */
function doneLines(finding: unknown): readonly string[] {
  const [verdict, assignee, previous] = ['verdict', 'assignee', 'previous'].map(name =>
    stringMember(finding, name),
  )
  const [acknowledged, escalated, contained] = ['acknowledged', 'escalated', 'contained'].map(name =>
    member(finding, name),
  )
  return [
    ...(verdict === undefined ? [] : [`verdict: ${verdict}`]),
    ...(assignee === undefined ? [] : [`assigned to ${assignee}`]),
    ...(acknowledged === undefined ? [] : [`acknowledged ${byWhom(acknowledged)}`]),
    ...(escalated === undefined ? [] : [`escalated ${timeOf(escalated)}`]),
    ...(contained === undefined
      ? []
      : [`contained ${byWhom(contained)}, by lockdown ${member(contained, 'epoch')}`]),
    ...(previous === undefined ? [] : [`the one before: ${previous}`]),
  ]
}

const byWhom = (done: unknown): string => `${timeOf(member(done, 'at'))} by ${stringMember(done, 'by')}`

function lockdownLines(lockdowns: FindingContext['lockdowns']): readonly string[] {
  if (typeof lockdowns === 'string') return [`which lockdowns are in force is not known: ${lockdowns}`]
  return lockdowns.map(one => {
    const until = member(one, 'until')
    const what = `${stringMember(one, 'scope')} ${stringMember(one, 'value') ?? ''}`.trim()
    return `in force: lockdown ${member(one, 'epoch')} of ${what} since ${member(one, 'at')} by ${stringMember(one, 'by')}${until === undefined ? '' : ` until ${until}`}`
  })
}

function relatedLine(finding: unknown): string {
  const names = ['id', 'rule', 'severity', 'state']
  return `related: ${names.flatMap(name => stringMember(finding, name) ?? []).join(' ')}`
}

function markLine({ release, at }: Mark, first: number): string {
  const apart = `${spanOf(Math.abs(first - at))} ${at <= first ? 'before' : 'after'} the first record`
  return `release ${release} was out at ${timeOf(at)}, ${apart}`
}

/** Returns milliseconds as people say them, by the two largest units. */
function spanOf(span: number): string {
  const seconds = Math.round(span / 1000)
  const units = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const from = units.findIndex(([count]) => count > 0)
  return (from < 0 ? units.slice(-1) : units.slice(from, from + 2))
    .filter(([count], index) => count > 0 || index === 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
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
