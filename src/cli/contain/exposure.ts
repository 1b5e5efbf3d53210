import type { DeliveredPart, DeliveryFacts } from '../../ledger/event.ts'
import { parseEvent } from '../../ledger/query/terms.ts'
import { parseGateUrl, tokenFor } from '../client.ts'
import { member } from '../json.ts'
import { LogReader } from '../log/log-reader.ts'
import { progress } from '../progress.ts'
import type { CalledGate } from './console-call.ts'
import { answersAbout, type Listed, listedBy, type ReadLists, readLists } from './lists.ts'

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
  /** How often the lists that were read had it as one that may be played, and as one that may not; in all, and by who asked. */
  readonly listed: { readonly permitted: number; readonly refused: number; readonly by: readonly Listed[] }
  readonly tickets: number
  readonly views: number
  /** Views of which no delivery is on record: what left in them is not known yet. */
  readonly views_without_delivery: number
  readonly sent: readonly Sent[]
}

/** How long before the first record of a finding it is looked, in milliseconds. */
const BEFORE = 24 * 3_600_000
/** Rules about an owner that changed. It may have done so at any time: RG-022 remembers the owners of 400 days. */
const OF_OWNERS: ReadonlySet<unknown> = new Set(['RG-020', 'RG-021', 'RG-022'])

/** A record, of which any member may be missing. */
type Said = Readonly<Record<string, unknown>> & Partial<Pick<DeliveryFacts, 'parts'>>

/** What happened to the recordings of a finding, and what was read for it. */
export interface ReadExposure {
  readonly exposure: readonly Exposure[]
  /** Whose lists were read, and whose were not, as there are too many. */
  readonly lists: Pick<ReadLists, 'read' | 'cut'>
  /** From when on the log was read, ISO 8601. If it is absent, it was read from its first record. */
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
  const found = new Map<string, readonly Said[]>()
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
    found.set(recording, [...records.values()])
    progress('recordings', found.size, recordings.length)
  }
  const owners = [...found.values()].flat().map(({ owner }) => owner)
  const persons = found.size === 0 ? [] : [...personsOf(finding), ...owners]
  const { records: lists, ...whose } = await readLists(gate, persons, since.since)
  const exposure = [...found].map(([recording, records]) => exposureOf(recording, [...records, ...lists]))
  return { exposure, lists: whose, ...since }
}

/** Whom a finding is about, the one that it is grouped by first. */
function personsOf(finding: unknown): readonly unknown[] {
  const subjects = member(member(finding, 'about'), 'subjects')
  return [
    ...['subject', 'owner'].map(name => member(member(finding, 'group'), name)),
    ...(Array.isArray(subjects) ? (subjects as readonly unknown[]) : []),
  ]
}

/** Sums up what the records of a recording say. */
export function exposureOf(recording: string, records: readonly Said[]): Exposure {
  const of = (kind: string) => records.filter(record => record.kind === kind)
  const reasons: Record<string, number> = {}
  for (const { reason, repeats } of of('access')) {
    const name = `${reason}`
    reasons[name] = (reasons[name] ?? 0) + countOf(Object(repeats).count, 1)
  }
  const found = answersAbout(recording, records)
  const answers = found.map(({ answer }) => answer)
  const by = listedBy(found)
  const views = of('view')
  const delivered = new Set(of('delivery').map(({ view }) => view))
  return {
    recording,
    owners: [
      ...new Set([...records, ...answers].flatMap(({ owner }) => (typeof owner === 'string' ? owner : []))),
    ],
    isDisputed: records.some(isOfDispute) || answers.some(({ disputed }) => disputed === true),
    refused: { count: Object.values(reasons).reduce((a, b) => a + b, 0), reasons },
    listed: {
      permitted: by.reduce((all, one) => all + one.permitted, 0),
      refused: by.reduce((all, one) => all + one.refused, 0),
      by,
    },
    tickets: of('ticket').length,
    views: views.length,
    views_without_delivery: views.filter(({ id }) => !delivered.has(id)).length,
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
