/** What the page reads of a record. The log has more, and other kinds of records than these. */
export interface LogRecord {
  readonly id: string
  readonly t: string
  readonly kind: string
  readonly decision: string
  readonly reason?: string
  readonly status?: number
  readonly subject?: string
  readonly owner?: string
  readonly recording?: string
  /** Id of the record of the ticket that the request came with. */
  readonly ticket?: string
  readonly bytes?: number
  readonly repeats?: { readonly of?: string; readonly count?: number }
  readonly sum?: { readonly count?: number }
  readonly release?: string
  /** Of a list: what it was asked of each recording. */
  readonly answers?: readonly { readonly decision?: string }[]
  /** Of a lockdown: what was done, and to what. */
  readonly action?: string
  readonly scope?: string
  readonly target?: string
}

/** The patients by their pseudonyms. */
type Names = Readonly<Record<string, string>>

/** Says in a sentence what a record says. */
export function describe(record: LogRecord, names: Names): string {
  const { kind, recording = 'something', subject = '' } = record
  const who = names[subject] ?? (subject === '' ? 'A caller without a valid token' : subject.slice(0, 12))
  switch (kind) {
    case 'access':
      return describeRefusal(record, who, names)
    case 'ticket':
      return `${who} may play ${recording}, which is their own.`
    case 'view':
      return `${who} began to watch ${recording}.`
    case 'delivery':
      return `${(record.bytes ?? 0).toLocaleString('en')} bytes of ${recording} left for ${who}.`
    case 'binding':
      return `${recording} belongs to ${names[record.owner ?? ''] ?? 'a patient'} from now on.`
    case 'listed':
      return describeList(record, who)
    case 'release':
      return `Release ${record.release} of the app is out.`
    case 'lockdown': {
      const what = [record.scope, record.target].filter(part => part !== undefined).join(' ')
      return record.action === 'add' ? `Stopped: ${what}.` : `Let go: ${what}.`
    }
    case 'console':
      return `An analyst looked at the ${record.action === 'findings' ? 'findings' : 'log'}.`
    case 'gap':
    case 'keys':
      return `The gate: ${kind}.`
    default:
      return `${who}: ${kind}.`
  }
}

function describeRefusal(
  { reason, recording = 'a path that is no recording', owner = '', repeats, sum }: LogRecord,
  who: string,
  names: Names,
): string {
  if (repeats?.count !== undefined) return `${who} was refused ${recording} ${times(repeats.count)} more.`
  if (sum?.count !== undefined) return `${who} was refused ${times(sum.count)} more from one network.`
  if (reason === 'release_frozen')
    return `${who} was refused ${recording}: this release of the app is frozen.`
  if (reason === 'not_owner') {
    return `${who} was refused ${recording}, which belongs to ${names[owner] ?? 'another patient'}.`
  }
  return `${who} was refused ${recording}.`
}

function describeList({ answers }: LogRecord, who: string): string {
  if (answers === undefined) return `${who}: listed.`
  const denied = answers.filter(({ decision }) => decision === 'deny').length
  return `The app of ${who} asked for a list of ${answers.length}: ${denied === 0 ? 'all' : answers.length - denied} of them may be shown.`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

/** Returns whether a record is the one with an id, or is of what the request of that record made possible. */
export function belongsTo({ id, ticket, repeats }: LogRecord, origin: string | undefined): boolean {
  return origin !== undefined && [id, ticket, repeats?.of].includes(origin)
}
