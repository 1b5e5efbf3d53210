import { type Deployment, type LogEntry, oneLine } from './entry.ts'
import { type Facts, factsOf, type Level } from './facts.ts'

/** Facility 13, log audit (RFC 5424 6.2.1), times 8. */
const FACILITY = 13 * 8

/** CEF's severity of a level: 0 to 3 low, 4 to 6 medium, 7 and 8 high. */
const SEVERITY: Readonly<Record<Level, number>> = { 1: 1, 2: 3, 3: 5, 4: 8 }

type Fields = Readonly<Record<string, string | number | undefined>>

/**
 * Renders a record as one syslog message (RFC 5424) that holds one event in CEF, version 0. It has no line break and no
 * other control character, so no string in a record begins a second message. Framing (RFC 6587, RFC 5425) is left to the
 * sender.
 */
export function renderCef(entry: LogEntry, deployment: Deployment): string {
  const { index, id, event } = entry
  const { host, product, enterprise } = deployment
  const facts = factsOf(entry)
  const { kind, reason, gate } = event
  const own = { index, id, kind, reason }
  const header = [
    // From informational (6) for the lowest level to error (3) for the highest.
    `<${FACILITY + 7 - facts.level}>1`,
    event.t,
    word(host, 255),
    word(product, 48),
    word(gate.isolate, 128),
    word(facts.code, 32),
  ]
  const data =
    (enterprise === undefined ? '' : element(`mediaward@${enterprise}`, own)) +
    element('origin', { software: product, swVersion: gate.version })
  return `${header.join(' ')} ${data} ${cefOf(entry, facts, deployment)}`
}

/** A field of the header: printable ASCII without blanks, of limited length, `-` if there is nothing (RFC 5424 6). */
const word = (value: string, length: number): string => value.replace(/[^!-~]/g, '_').slice(0, length) || '-'

/** An element of structured data (RFC 5424 6.3). */
const element = (name: string, params: Fields): string =>
  `[${name}${written(params, (key, value) => ` ${key}="${value.replace(/["\\\]]/g, '\\$&')}"`).join('')}]`

/** The fields that are known, each on one line. */
const written = (fields: Fields, write: (key: string, value: string) => string): readonly string[] =>
  Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : write(key, oneLine(`${value}`)),
  )

function cefOf({ index, id, event }: LogEntry, facts: Facts, { vendor, product, host }: Deployment): string {
  const { gate, kind, reason, subject, method, client, decision, action } = event
  const [target, ...others] = facts.targets
  const header = [vendor, product, gate.version, facts.code, facts.title].map(field =>
    oneLine(field).replace(/[\\|]/g, '\\$&'),
  )
  const extension = {
    rt: facts.time,
    externalId: id,
    cat: kind,
    act: action ?? decision,
    outcome: facts.outcome,
    reason,
    cnt: facts.count,
    suid: subject,
    requestMethod: method,
    requestClientApplication: client,
    deviceExternalId: gate.isolate,
    dvchost: host,
    ...labelled('cs', {
      recording: target?.recording,
      owner: target?.owner ?? event.owner,
      tenant: event.tenant,
      network: event.net?.prefix,
      release: event.release,
      about: event.about,
    }),
    ...labelled('cn', { logIndex: index, status: event.status, bytes: event.bytes }),
    ...labelled('flexString', { view: event.view }),
    // A list's further recordings don't fit into a line: the record has them.
    msg: others.length > 0 ? `and ${others.length} more recordings` : undefined,
  }
  // An equals sign in a value would begin a field of the caller's choice.
  const pairs = written(extension, (key, value) => `${key}=${value.replace(/[\\=]/g, '\\$&')}`)
  return `CEF:0|${header.join('|')}|${SEVERITY[facts.level]}|${pairs.join(' ')}`
}

/** Names the custom fields of CEF, which have numbers: `cs1Label=recording cs1=rec-001`. */
const labelled = (prefix: string, fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([label, value], at) => {
      const name = `${prefix}${at + 1}`
      return value === undefined ? [] : [[`${name}Label`, label] as const, [name, value] as const]
    }),
  )
