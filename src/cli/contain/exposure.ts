import type { DeliveredPart, DeliveryFacts, ListedFacts } from '../../ledger/event.ts'
import { parseEvent } from '../../ledger/query/terms.ts'
import { parseGateUrl, tokenFor } from '../client.ts'
import { member } from '../json.ts'
import { LogReader } from '../log/log-reader.ts'
import { progress } from '../progress.ts'
import type { CalledGate } from './console-call.ts'

/** Bytes that left to one person, by the records of the gate. */
export interface Sent {
  /** Pseudonym. Absent if no record names a person. */
  readonly subject?: string
  /** Whether the recording was that person's own when the bytes left, by the records of them. */
  readonly isOwner: boolean
  /** Answers with bytes; those that did not end early; those that did; those of which all that was asked for counts. */
  readonly answers: number
  readonly complete: number
  readonly cut: number
  readonly assumed: number
  /** In all, also those that left twice. */
  readonly bytes: number
  readonly parts: readonly DeliveredPart[]
}

/** What happened to a recording, by the records of the gate. */
export interface Exposure {
  readonly recording: string
  /** Whom the records name as its owner, each once. With more than one, one of them saw or will see what is not theirs. */
  readonly owners: readonly string[]
  /** Whether a record says that the sources of owners disagree, or that a recorder named another one. */
  readonly isDisputed: boolean
  /** Requests that were refused, and how many for each reason. */
  readonly refused: { readonly count: number; readonly reasons: Readonly<Record<string, number>> }
  /** How often a list was told that it may be played, and that it may not. */
  readonly listed: { readonly permitted: number; readonly refused: number }
  readonly tickets: number
  readonly views: number
  readonly sent: readonly Sent[]
}

/** What no record can say, whatever the rest says. */
export const UNKNOWN: readonly string[] = [
  'The log has what the gate handed over. After a cut, up to a few MiB may have been in buffers on the way: they count as sent.',
  'Of a store that does not count, all that was asked for counts as sent (assumed): it is never less than what left.',
  'What was played, copied or stored before the gate was there, or past it, has no record.',
]

/** How long before the first record of a finding it is looked, in milliseconds. */
const BEFORE = 24 * 3_600_000
/** Rules about an owner that changed. It may have done so at any time: RG-022 remembers the owners of 400 days. */
const OF_OWNERS: ReadonlySet<unknown> = new Set(['RG-020', 'RG-021', 'RG-022'])

/** A record, of which any member may be missing. */
type Said = Readonly<Record<string, unknown>> & Partial<Pick<DeliveryFacts, 'parts'>>

/** What happened to the recordings of a finding, and from when on the log was read. */
export interface ReadExposure {
  readonly exposure: readonly Exposure[]
  /** ISO 8601. If it is absent, the log was read from its first record. */
  readonly since?: string
}

/** Reads what happened to the recordings that a finding names, also what has no index yet. */
export async function readExposure(
  gate: CalledGate,
  finding: unknown,
  recordings: readonly string[],
): Promise<ReadExposure> {
  const isAll = OF_OWNERS.has(member(finding, 'rule'))
  const first = Number(member(finding, 'first_seen') ?? 0)
  const since = isAll ? {} : { since: new Date(Math.max(first - BEFORE, 0)).toISOString() }
  const range = { filters: {}, newest: false, ...since }
  const all: Exposure[] = []
  for (const recording of recordings) {
    const reader = new LogReader({
      gate: parseGateUrl(gate.url),
      token: () => tokenFor(gate.token, gate.data, 'security'),
      filters: { recording },
      follow: false,
    })
    // First, as what is held then may get its index meanwhile. Seen twice, it counts once.
    const records = new Map<string, Said>()
    const add = (lines: readonly string[]) => {
      for (const record of lines.map(parseEvent)) records.set(`${record.id}`, record)
    }
    add(await reader.held(range))
    for await (const lines of reader.pages(range)) add(lines)
    all.push(exposureOf(recording, [...records.values()]))
    progress('recordings', all.length, recordings.length)
  }
  return { exposure: all, ...since }
}

/** Sums up what the records of a recording say. */
export function exposureOf(recording: string, records: readonly Said[]): Exposure {
  const of = (kind: string) => records.filter(record => record.kind === kind)
  const reasons: Record<string, number> = {}
  for (const { reason, repeats } of of('access')) {
    const name = `${reason}`
    reasons[name] = (reasons[name] ?? 0) + countOf(Object(repeats).count, 1)
  }
  const answers = of('listed').flatMap(({ answers: some }) =>
    Array.isArray(some) ? (some as ListedFacts['answers']).filter(one => one.recording === recording) : [],
  )
  const permitted = answers.filter(({ decision }) => decision === 'permit').length
  return {
    recording,
    owners: [
      ...new Set([...records, ...answers].flatMap(({ owner }) => (typeof owner === 'string' ? owner : []))),
    ],
    isDisputed: records.some(isOfDispute) || answers.some(({ disputed }) => disputed === true),
    refused: { count: Object.values(reasons).reduce((a, b) => a + b, 0), reasons },
    listed: { permitted, refused: answers.length - permitted },
    tickets: of('ticket').length,
    views: of('view').length,
    // Apart by whether it was theirs: of a recording that changed its owner, a person may have bytes of both.
    sent: [...Map.groupBy(of('delivery'), one => `${isOwn(one)} ${one.subject}`).values()].map(sentOf),
  }
}

const isOwn = ({ subject, owner }: Said): boolean => subject !== undefined && subject === owner

/** As RG-022 sees it. */
const isOfDispute = ({ disputed, kind, reason, previous }: Said): boolean =>
  disputed === true ||
  (kind === 'access' && reason === 'binding_conflict') ||
  (kind === 'binding' && previous === 'other_owner')

function sentOf(deliveries: readonly Said[]): Sent {
  const sum = (name: string) => deliveries.reduce((all, some) => all + countOf(some[name], 0), 0)
  const [one = {} as Said] = deliveries
  const { subject } = one
  const [answers, cut] = [sum('answers'), sum('cut')]
  const parts = Map.groupBy(
    deliveries.flatMap(({ parts: some }) => some ?? []),
    ({ part }) => part,
  )
  return {
    ...(typeof subject === 'string' && { subject }),
    isOwner: isOwn(one),
    ...{ answers, complete: answers - cut, cut, assumed: sum('assumed'), bytes: sum('bytes') },
    parts: [...parts].map(([part, some]) => ({
      ...(part !== undefined && { part }),
      ranges: united(some.flatMap(({ ranges }) => ranges)),
    })),
  }
}

/** Returns ranges without those that touch or lie in another. */
function united(ranges: DeliveredPart['ranges']): DeliveredPart['ranges'] {
  const result: [number, number][] = []
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = result.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else result.push([first, last])
  }
  return result
}

const countOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise)

/** Most ranges of a part on one line. */
const SHOWN_RANGES = 8

/** Returns what happened to recordings, as lines. */
export function formatExposure({ exposure, since }: ReadExposure): readonly string[] {
  return [
    `what the log says of each recording, read from ${since ?? 'its first record on'}:`,
    ...exposure.flatMap(linesOf),
    ...UNKNOWN.map(line => `not known: ${line}`),
  ]
}

function linesOf(exposure: Exposure): readonly string[] {
  const { recording, refused, listed, tickets, views, sent } = exposure
  const reasons = Object.entries(refused.reasons).map(([reason, count]) => `${reason} ${count}`)
  const whose = doubtOf(exposure) === undefined ? ' (its owner)' : ' (its owner then)'
  return [
    [
      `${recording}: ${refused.count} requests refused${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`,
      `in lists permitted ${listed.permitted} times, refused ${listed.refused} times`,
      `${tickets} tickets, ${views} views`,
      verdictOf(exposure),
    ].join('; '),
    ...sent.map(({ subject = 'no person', isOwner, answers, complete, cut, assumed, bytes: left, parts }) => {
      const ranges = parts.map(({ part, ranges: some }) => {
        const shown = some.slice(0, SHOWN_RANGES).map(range => range.join('-'))
        return `${part === undefined ? '' : `${part} `}${shown.join(',')}${some.length > SHOWN_RANGES ? ',…' : ''}`
      })
      return `  ${subject}${isOwner ? whose : ''}: ${left} bytes in ${answers} answers, ${complete} complete, ${cut} cut, ${assumed} assumed; ${ranges.join('; ')}`
    }),
  ]
}

/** Says whom bytes left to. That all of them were its owner's is no proof unless it is certain who that is. */
function verdictOf(exposure: Exposure): string {
  const { sent } = exposure
  const doubt = doubtOf(exposure)
  const sum = (some: readonly Sent[]) => some.reduce((all, { bytes }) => all + bytes, 0)
  const all = sum(sent)
  if (all === 0) return `no byte left to anyone${doubt === undefined ? '' : `; ${doubt}`}`
  if (doubt !== undefined) return `${all} bytes left; ${doubt}`
  const others = sum(sent.filter(({ isOwner }) => !isOwner))
  return others === 0
    ? 'no byte left to anyone but its owner'
    : `${others} bytes left to others than its owner`
}

/** Why it is not certain whose a recording is. Undefined if it is. */
function doubtOf({ owners, isDisputed }: Exposure): string | undefined {
  if (owners.length > 1) return `it has ${owners.length} owners, look at each`
  return isDisputed ? 'its owner is disputed, look at each person' : undefined
}
