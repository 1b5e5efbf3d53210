import { type AlertMessage, type PageFinding, type Step, seconds } from './incident-times.ts'

/** How bad a finding is, as people see it: a word and a sign, so that no one has to tell colours apart. */
export interface SeverityShown {
  readonly word: string
  readonly sign: string
}

const SEVERITIES: ReadonlyMap<string | undefined, SeverityShown> = new Map([
  ['critical', { word: 'Critical', sign: '◆' }],
  ['high', { word: 'High', sign: '▲' }],
  ['medium', { word: 'Medium', sign: '■' }],
  ['low', { word: 'Low', sign: '●' }],
])

/** Returns how a severity is shown. */
export function severityShown(severity: string | undefined): SeverityShown {
  return SEVERITIES.get(severity) ?? { word: 'For information', sign: '○' }
}

/** Says whom or what a finding is about, and how often it was found. */
export function aboutFinding(
  { group, count }: Pick<PageFinding, 'group' | 'count'>,
  names: Readonly<Record<string, string>>,
): string {
  const about = Object.entries(group)
    // A session has no name that a person knows.
    .filter(([field]) => field !== 'session')
    .map(([field, value]) => names[value] ?? `${field} ${value.slice(0, 32)}`)
  return [...about, count === 1 ? 'once' : `${count} times`].join(', ')
}

/** Returns whether an alert is to wake someone, and doesn't say that someone is awake already. */
export function isWaking({ type = '' }: AlertMessage): boolean {
  return !/\.(?:acknowledged|closed)$/.test(type)
}

/** Says in a sentence what an alert says. */
export function describeAlert({ data }: AlertMessage): string {
  return `${severityShown(data?.severity).word}: ${data?.title ?? 'a finding'}.`
}

/** Says in a line how long each step took. */
export function summaryOf(steps: readonly Step[]): string {
  return steps.map(({ after, what }) => (after === 0 ? what : `${what}: ${seconds(after)}`)).join(' → ')
}
