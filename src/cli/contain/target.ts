import { DEFAULT_URL } from '../client.ts'
import { member, stringMember } from '../json.ts'
import { COMMAND, UsageError } from '../terminal.ts'
import { clean } from './console-call.ts'

/** What a lockdown can be about, the narrowest first. */
const SCOPES = ['session', 'subject', 'recording', 'release'] as const
type Scope = (typeof SCOPES)[number]

/** Most values of a scope for which a command is shown. */
const SHOWN = 8

/** Rules whose records are of uploads: their subject is the recorder. */
const OF_UPLOADS: ReadonlySet<string | undefined> = new Set(['RG-021', 'RG-022', 'RG-034', 'RG-035'])

/** What to lock down. */
export interface Target {
  readonly scope: Scope
  readonly value: string
}

/** What the commands that are offered repeat of the one that was called. */
export interface Called {
  readonly reason: string
  readonly url: string
}

/**
 * Returns what a finding is grouped by, as narrowly as it can be named: a session before its person. What its records happen to
 * be about besides is not taken without being asked for. Of a refused token, the caller alone chose the recording and the
 * release: a lockdown of it would stop another person.
 *
 * @param wanted the scope to stop instead, of which the finding must name one value
 * @throws UsageError that has the commands to choose from
 */
export function targetOf(finding: unknown, wanted: string | undefined, called: Called): Target {
  const group = member(finding, 'group')
  if (wanted === undefined) {
    for (const scope of SCOPES) {
      const value = stringMember(group, scope)
      if (value !== undefined) return { scope, value }
    }
    const fields = Object.keys(Object(group)).join(' and ') || 'nothing'
    throw chooseAmong(`the finding is grouped by ${fields}, which can't be locked down`, finding, called)
  }
  const scope = SCOPES.find(one => one === wanted)
  const values = scope === undefined ? [] : valuesOf(finding, scope)
  const [value] = values
  if (scope === undefined || value === undefined)
    throw chooseAmong(`the finding names no ${wanted}`, finding, called)
  if (values.length > 1)
    throw chooseAmong(`the finding names ${values.length} ${scope}s`, finding, called, [scope])
  return { scope, value }
}

/** Creates the error of a release that a header alone names. */
export function unprovenRelease(finding: unknown, release: string, called: Called): UsageError {
  return chooseAmong(
    `no token of the finding proves release ${release}: an attacker can send a header that names any`,
    finding,
    called,
  )
}

/** Creates an error whose hint has a command for each thing that a finding names. */
function chooseAmong(
  problem: string,
  finding: unknown,
  called: Called,
  scopes: readonly Scope[] = SCOPES,
): UsageError {
  const isPlain = (scope: Scope) => aboutOf(finding, scope) === ''
  // What needs a second thought comes last.
  const sorted = [...scopes.filter(isPlain), ...scopes.filter(scope => !isPlain(scope))]
  const choices = sorted.flatMap(scope => commandsOf(finding, scope, called))
  return new UsageError(
    clean(problem),
    choices.length === 0
      ? 'see "lockdown add --help": a tenant or everything can be stopped'
      : ['choose what to stop, and copy its command:', ...choices.map(clean)].join('\n  '),
  )
}

function commandsOf(finding: unknown, scope: Scope, { reason, url }: Called): readonly string[] {
  const id = quoted(`${stringMember(finding, 'id')}`)
  const rest = `--reason ${quoted(reason)}${url === DEFAULT_URL ? '' : ` --url ${quoted(url)}`}`
  const values = valuesOf(finding, scope)
  const [only] = values
  if (only === undefined) return []
  const about = aboutOf(finding, scope)
  if (values.length === 1) {
    return [`${scope} ${only}${about}:`, `  ${COMMAND} findings contain ${id} --scope ${scope} ${rest}`]
  }
  const more = values.length > SHOWN ? `, the first ${SHOWN}` : ''
  return [
    `each ${scope} of ${values.length}${more}${about}:`,
    ...values
      .slice(0, SHOWN)
      .map(value => `  ${COMMAND} lockdown add ${scope} ${quoted(value)} --finding ${id} ${rest}`),
  ]
}

/** What is to be known before it is stopped. */
function aboutOf(finding: unknown, scope: Scope): string {
  if (scope === 'release') return ', for all who have it'
  const isRecorder = scope === 'subject' && OF_UPLOADS.has(stringMember(finding, 'rule'))
  return isRecorder ? ', which may be the recorder: it could then store nothing' : ''
}

function valuesOf(finding: unknown, scope: Scope): readonly string[] {
  const grouped = stringMember(member(finding, 'group'), scope)
  if (grouped !== undefined) return [grouped]
  const values = member(member(finding, 'about'), `${scope}s`)
  return Array.isArray(values) ? values.filter(value => typeof value === 'string') : []
}

/** Returns a value as one word of a shell, whatever is in it. */
export const quoted = (value: string): string =>
  /^\w[\w.:/@+-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
