import type { Deployment, LogEntry, RenderedEvent } from '../../render/entry.ts'
import { renderFhir } from '../../render/fhir.ts'
import { member } from '../json.ts'

/** A record as it is exported. */
export interface ExportedRecord {
  readonly index: number
  /** Its JSON, as it is stored. */
  readonly json: string
  readonly event: RenderedEvent
}

/** How a file of records is written. Each part is what it says, with its line ends. */
export interface ExportFormat {
  readonly head: string
  /** @param isFirst whether it is the first record of the file */
  record(record: ExportedRecord, isFirst: boolean): string
  tail(count: number): string
}

/** The formats by name. */
export const EXPORT_FORMATS = ['ndjson', 'csv', 'fhir'] as const
/** One of {@link EXPORT_FORMATS}. */
export type ExportFormatName = (typeof EXPORT_FORMATS)[number]

/** What an export says of itself. */
export interface ExportFacts {
  readonly deployment: Deployment
  /** Whether it goes on after an earlier one: then CSV has no line of names. */
  readonly isContinued: boolean
  /** When it was made, ISO 8601. */
  readonly time: string
}

/** Creates a format. */
export function exportFormat(name: ExportFormatName, facts: ExportFacts): ExportFormat {
  if (name === 'csv') return csv(facts)
  return name === 'fhir' ? fhirBundle(facts) : NDJSON
}

/** One record a line, as sinks of the type `files` write them. */
const NDJSON: ExportFormat = {
  head: '',
  record: ({ index, json }) => `{"index":${index},"record":${json}}\n`,
  tail: () => '',
}

/** The columns between the index and the record itself, as paths of members. */
const COLUMNS = [
  ...['id', 'recorded', 't', 'kind', 'decision', 'reason', 'status', 'method', 'action'],
  ...[
    'tenant',
    'recording_tenant',
    'subject',
    'actor',
    'issuer',
    'entry',
    'session',
    'token',
    'ticket',
    'roles',
  ],
  ...['recording', 'owner', 'part', 'range', 'view', 'bytes', 'release', 'client'],
  ...['net.prefix', 'net.ip', 'net.asn', 'net.country', 'gate.version', 'gate.isolate', 'gate.seq'],
]

/** CSV of RFC 4180, with a line of names. The last column is the whole record, so nothing is left out. */
const csv = ({ isContinued }: ExportFacts): ExportFormat => ({
  head: isContinued ? '' : row(['index', ...COLUMNS, 'record']),
  record: ({ index, json, event }) =>
    row([`${index}`, ...COLUMNS.map(path => cellOf(event, path.split('.'))), json]),
  tail: () => '',
})

const row = (cells: readonly string[]): string => `${cells.map(quoted).join(',')}\r\n`

function cellOf(event: unknown, [name = '', ...rest]: readonly string[]): string {
  const value = member(event, name)
  if (rest.length > 0) return cellOf(value, rest)
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string}`
}

/**
 * With such a character in front, a spreadsheet takes a cell for a formula, which can send what is in the others to a
 * stranger: an app's release or a path may have been chosen by an attacker. The last four are what East Asian ones take for
 * the first four.
 */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/

function quoted(cell: string): string {
  const safe = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A Bundle of FHIR R4 of the type `collection`, with an AuditEvent for each record. FHIR's JSON has no empty lists. */
const fhirBundle = ({ deployment, time }: ExportFacts): ExportFormat => ({
  head: `{"resourceType":"Bundle","type":"collection","timestamp":${JSON.stringify(time)}`,
  record({ index, event }, isFirst) {
    const entry: LogEntry = { index, id: event.id, event }
    const resource = renderFhir(entry, deployment)
    return (isFirst ? ',"entry":[\n' : ',\n') + JSON.stringify({ fullUrl: `urn:uuid:${event.id}`, resource })
  },
  tail: count => (count === 0 ? '}\n' : '\n]}\n'),
})
