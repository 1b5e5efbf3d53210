import type { EventHead } from '../../ledger/event.ts'
import { member, parseJson, stringMember } from '../json.ts'

/** How a record is shown. */
export interface TableOptions {
  /** Whether pseudonyms are shown in full. */
  readonly wide: boolean
  /** Whether the kind has a column. */
  readonly kind: boolean
}

/** Enough of a pseudonym to tell people apart in a list. */
const SHORT = 'psn_'.length + 12
const FULL = 'psn_'.length + 32

/** Formats a record as one line for people. */
export function formatRecord(json: string, { wide, kind }: TableOptions): string {
  const event = parseJson(json)
  const read = (name: keyof EventHead | 'method') => stringMember(event, name)
  const length = wide ? FULL : SHORT
  const path = [read('recording'), read('part')].filter(name => name !== undefined).join('/') || '-'
  const isFinding = stringMember(event, 'kind') === 'finding'
  const method = read('method')
  const owner = read('owner')
  const columns = [
    read('t') ?? '-',
    ...(kind ? [(stringMember(event, 'kind') ?? '-').padEnd('heartbeat'.length)] : []),
    summaryOf(event).padEnd(20),
    (method === undefined ? (aboutOf(event, length) ?? path) : `${method} ${path}`).padEnd(28),
    `by ${read('subject')?.slice(0, length) ?? (isFinding ? 'the gate' : 'unknown')}`.padEnd(3 + length),
    ...(owner === undefined ? [] : [`of ${owner.slice(0, length)}`.padEnd(3 + length)]),
    read('id') ?? '-',
  ]
  // A terminal obeys control characters. No gate records any, but this may be another server.
  return columns.join('  ').replace(/\p{Cc}/gu, '?')
}

/** What a record says beyond who, when and of which recording. */
function summaryOf(event: unknown): string {
  const answers = member(event, 'answers')
  switch (stringMember(event, 'kind')) {
    case 'delivery':
      return `${member(event, 'bytes')} bytes`
    case 'listed': {
      if (!Array.isArray(answers)) return '-'
      const permitted = answers.filter(answer => stringMember(answer, 'decision') === 'permit')
      return `${permitted.length} of ${answers.length} permitted`
    }
    case 'binding':
      return `${stringMember(event, 'action')} by ${stringMember(event, 'source')}`
    case 'gap':
      return `${member(event, 'count')} missing`
    case 'console':
      return stringMember(event, 'reason') ?? stringMember(event, 'action') ?? '-'
    case 'finding':
      return `${stringMember(event, 'action')} ${stringMember(event, 'rule')}`
    case 'lockdown':
      return `${stringMember(event, 'action')} ${member(event, 'epoch')}`
    case 'release':
      return 'is out'
    case 'keys':
      return stringMember(event, 'issuer') ?? '-'
    default:
      return `${stringMember(event, 'reason') ?? '-'}${timesOf(event)}`
  }
}

/** What a record is about that is about no recording alone: a finding or a suppression, what is locked down, or a release. */
function aboutOf(event: unknown, length: number): string | undefined {
  switch (stringMember(event, 'kind')) {
    case 'finding':
      return stringMember(event, 'finding') ?? stringMember(event, 'suppression')
    case 'lockdown': {
      const target = stringMember(event, 'target')
      const shown = target?.startsWith('psn_') ? target.slice(0, length) : target
      return [stringMember(event, 'scope'), shown].filter(word => word !== undefined).join(' ') || undefined
    }
    case 'release':
      return stringMember(event, 'release')
    default:
      return undefined
  }
}

/** Of a record that stands for several refusals: how many. */
function timesOf(event: unknown): string {
  const count = member(member(event, 'sum'), 'count') ?? member(member(event, 'repeats'), 'count')
  return typeof count === 'number' ? ` ×${count}` : ''
}
