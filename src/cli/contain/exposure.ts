import type { DeliveredPart, DeliveryFacts, ListedFacts } from '../../ledger/event.ts'
import { parseEvent } from '../../ledger/query/terms.ts'
import { parseGateUrl, tokenFor } from '../client.ts'
import { LogReader } from '../log/log-reader.ts'
import { progress } from '../progress.ts'
import type { CalledGate } from './console-call.ts'

/** Bytes that left to one person, by the records of the gate. */
export interface Sent {
  /** Pseudonym. Absent if no record names a person. */
  readonly subject?: string
  /** Whether the recording is that person's own. */
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

/** A record, of which any member may be missing. */
type Said = Readonly<Record<string, unknown>> & Partial<Pick<DeliveryFacts, 'parts'>>

/** Reads what happened to some recordings since a day before a time (in milliseconds since 1970), also what has no index yet. */
export async function readExposure(
  gate: CalledGate,
  recordings: readonly string[],
  time: number,
): Promise<readonly Exposure[]> {
  const range = { filters: {}, newest: false, since: new Date(time - BEFORE).toISOString() }
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
  return all
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
    refused: { count: Object.values(reasons).reduce((a, b) => a + b, 0), reasons },
    listed: { permitted, refused: answers.length - permitted },
    tickets: of('ticket').length,
    views: of('view').length,
    sent: [...Map.groupBy(of('delivery'), ({ subject }) => subject).values()].map(sentOf),
  }
}

function sentOf(deliveries: readonly Said[]): Sent {
  const sum = (name: string) => deliveries.reduce((all, one) => all + countOf(one[name], 0), 0)
  const [{ subject, owner } = {} as Said] = deliveries
  const [answers, cut] = [sum('answers'), sum('cut')]
  const parts = Map.groupBy(
    deliveries.flatMap(one => one.parts ?? []),
    ({ part }) => part,
  )
  return {
    ...(typeof subject === 'string' && { subject }),
    isOwner: subject !== undefined && subject === owner,
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
export function formatExposure(all: readonly Exposure[]): readonly string[] {
  return [...all.flatMap(linesOf), ...UNKNOWN.map(line => `not known: ${line}`)]
}

function linesOf({ recording, refused, listed, tickets, views, sent }: Exposure): readonly string[] {
  const reasons = Object.entries(refused.reasons).map(([reason, count]) => `${reason} ${count}`)
  const others = sent.filter(({ isOwner }) => !isOwner)
  const bytes = others.reduce((sum, one) => sum + one.bytes, 0)
  return [
    [
      `${recording}: ${refused.count} requests refused${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`,
      `in lists permitted ${listed.permitted} times, refused ${listed.refused} times`,
      `${tickets} tickets, ${views} views`,
      bytes === 0 ? 'no byte left to anyone but its owner' : `${bytes} bytes left to others than its owner`,
    ].join('; '),
    ...sent.map(({ subject = 'no person', isOwner, answers, complete, cut, assumed, bytes: left, parts }) => {
      const ranges = parts.map(({ part, ranges: some }) => {
        const shown = some.slice(0, SHOWN_RANGES).map(range => range.join('-'))
        return `${part === undefined ? '' : `${part} `}${shown.join(',')}${some.length > SHOWN_RANGES ? ',…' : ''}`
      })
      return `  ${subject}${isOwner ? ' (its owner)' : ''}: ${left} bytes in ${answers} answers, ${complete} complete, ${cut} cut, ${assumed} assumed; ${ranges.join('; ')}`
    }),
  ]
}
