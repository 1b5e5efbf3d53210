import type { FindingAction, FindingFacts } from '../ledger/facts/finding-facts.ts'
import type { LogEntry } from '../render/entry.ts'
import type { Severity } from '../watch/severity.ts'

/** What an alert says, in words and members that every system is sent. */
export interface Message {
  /** The same for all messages about one finding. */
  readonly finding: string
  /** Of a test, `test`. A pager is also sent its end. */
  readonly action: FindingAction | 'test' | 'test_ended'
  readonly rule: string
  readonly severity: Severity
  /** One line: what was found. */
  readonly title: string
  /** What it is about, as `name: value`. People are the beginning of their pseudonyms. */
  readonly about: readonly string[]
  readonly count: number
  /** When it happened, UTC. */
  readonly time: string
  /** Commands that show the finding, and stop what it is grouped by. No link acts by itself. */
  readonly commands: readonly string[]
}

/** Returns the title of a rule. */
export type TitleOf = (rule: string) => string

/** How many characters of a pseudonym leave: enough to tell people apart, and too few to look one up. */
const SHOWN = 12

/** What a finding can be grouped by that can be locked down. */
const CONTAINED: readonly string[] = ['session', 'subject', 'recording', 'release']

/** What has become of a finding, before the title. */
const WORDS: Readonly<Partial<Record<FindingAction | 'test', string>>> = {
  raised: 'worse: ',
  reopened: 'reopened: ',
  escalated: 'not acknowledged: ',
  contained: 'contained by the gate: ',
  acknowledged: 'acknowledged: ',
  closed: 'closed: ',
}

/** Returns what a record of a finding, or one that tests a receiver, says as an alert. */
export function messageOf({ event }: LogEntry, titleOf: TitleOf): Message {
  if (event.kind === 'test') return testMessage(event)
  const { finding = '', action, rule, severity = 'info', group, count = 1 } = event as unknown as FindingFacts
  return {
    ...{ finding, action, rule, severity, count, time: event.t },
    title: `${WORDS[action] ?? ''}${titleOf(rule)}`,
    about: Object.entries(group).flatMap(([name, value]) => shown(name, value)),
    commands: [
      `mediaward findings show ${finding}`,
      ...(action === 'closed'
        ? []
        : [
            `mediaward findings acknowledge ${finding}`,
            // It locks down what the finding is grouped by, and asks before it does anything else.
            ...(Object.keys(group).some(name => CONTAINED.includes(name))
              ? [`mediaward findings contain ${finding} --reason "WHY"`]
              : []),
          ]),
    ],
  }
}

/** What could end a line, or show it in another order: a client's name must not write a line of its own. */
const UNSHOWN = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A recording's name stays here: some apps put the patient into it. */
function shown(name: string, value: string): readonly string[] {
  if (name === 'recording') return []
  const short = value.startsWith('psn_') ? `${value.slice(0, SHOWN)}…` : value
  return [`${name}: ${short.replace(UNSHOWN, '?')}`]
}

function testMessage({ id, t, ended }: LogEntry['event'] & { readonly ended?: unknown }): Message {
  return {
    ...{
      finding: id,
      action: ended === true ? 'test_ended' : 'test',
      rule: 'TEST',
      severity: 'info',
      count: 1,
      time: t,
    },
    title: 'a test of alerts: nothing happened',
    about: [],
    commands: ['mediaward findings'],
  }
}

/** Returns a message as lines. */
export function linesOf({ severity, rule, title, about, count, time, commands }: Message): readonly string[] {
  return [
    `[${severity.toUpperCase()}] ${rule} ${title}`,
    ...about,
    `${count === 1 ? 'once' : `${count} times`}, last at ${time}`,
    ...commands,
  ]
}
