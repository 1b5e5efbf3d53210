import { plainUrl } from '../base/url.ts'
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
  /** The host of the gate, by which staging and production differ. Undefined if the gate doesn't know its address. */
  readonly gate?: string
  /** One line: what was found. */
  readonly title: string
  /** What it is about, as `name: value`. People are the beginning of their pseudonyms. */
  readonly about: readonly string[]
  readonly count: number
  /** When it happened, UTC. */
  readonly time: string
  /** Commands that show the finding, and stop what it is grouped by or undo that. No link acts by itself, and none has a credential. */
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

/**
 * Returns what a record of a finding, or one that tests a receiver, says as an alert.
 *
 * @param publicUrl the gate's own address (`PUBLIC_URL`), with which each command can be copied as it is
 */
export function messageOf({ event }: LogEntry, titleOf: TitleOf, publicUrl?: string): Message {
  const url = addressOf(publicUrl)
  const gate = url && { gate: url.host }
  if (event.kind === 'test') return { ...testMessage(event, url), ...gate }
  const facts = event as unknown as FindingFacts
  const { finding = '', action, rule, severity = 'info', group, count = 1 } = facts
  return {
    ...{ finding, action, rule, severity, count, time: event.t, ...gate },
    title: `${WORDS[action] ?? ''}${titleOf(rule)}`,
    about: Object.entries(group).flatMap(([name, value]) => shown(name, value)),
    commands: commandsFor(facts, url),
  }
}

/** Lists what can be done about a finding: also to lock down what it is grouped by, or to undo what the gate did by itself. */
function commandsFor(
  { finding, action, epoch, group }: FindingFacts,
  url: URL | undefined,
): readonly string[] {
  const show = command(url, `findings show ${finding}`)
  if (action === 'closed') return [show]
  const canContain = Object.keys(group).some(name => CONTAINED.includes(name))
  const contain = canContain ? [command(url, `findings contain ${finding}`, true)] : []
  const undo =
    action === 'contained' && epoch !== undefined ? [command(url, `lockdown undo ${epoch}`, true)] : undefined
  return [show, command(url, `findings acknowledge ${finding}`), ...(undo ?? contain)]
}

/** Writes a command so that it can be copied: for the gate at a URL, or else for the one that commands call by default. */
function command(url: URL | undefined, words: string, needsReason = false): string {
  const to = url === undefined ? '' : ` --url ${quoted(url.origin)}`
  return `mediaward ${words}${to}${needsReason ? ' --reason "WHY"' : ''}`
}

/** Not every character of a host is left alone by a shell: `[::1]` is a pattern. */
const quoted = (origin: string): string =>
  /^[\w.:/-]+$/.test(origin) ? origin : `'${origin.replaceAll("'", '%27')}'`

/** Never one with a credential, which an alert must not have. */
function addressOf(publicUrl: string | undefined): URL | undefined {
  const url = plainUrl(publicUrl)
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined
}

/** What could end a line, or show it in another order: a client's name must not write a line of its own. */
const UNSHOWN = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A recording's name stays here: some apps put the patient into it. */
function shown(name: string, value: string): readonly string[] {
  if (name === 'recording') return []
  const short = value.startsWith('psn_') ? `${value.slice(0, SHOWN)}…` : value
  return [`${name}: ${short.replace(UNSHOWN, '?')}`]
}

function testMessage(
  { id, t, ended }: LogEntry['event'] & { readonly ended?: unknown },
  url: URL | undefined,
): Message {
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
    commands: [command(url, 'findings')],
  }
}

/** Returns a message as lines. */
export function linesOf(message: Message): readonly string[] {
  const { severity, rule, gate, title, about, count, time, commands } = message
  return [
    `[${severity.toUpperCase()}] ${rule} ${title}`,
    ...(gate === undefined ? [] : [`gate: ${gate}`]),
    ...about,
    `${count === 1 ? 'once' : `${count} times`}, last at ${time}`,
    ...commands,
  ]
}
