import { canonical } from './canonical.ts'
import { addRange, type InclusiveRange } from './delivery-tally.ts'
import type { DeliveryFacts, EventHead } from './event.ts'
import type { LedgerEntry } from './ledger.ts'

/** A record of bytes that left in a view. */
type Delivery = EventHead & DeliveryFacts

/** Most characters of a record that sums are put together in. A record may have 64 KiB. */
const FULL = 48 * 1024

/** Returns which view an entry has a sum of deliveries of; undefined if it is another record. */
export function viewOf({ json }: LedgerEntry): string | undefined {
  // Parsing every record would cost as much as storing it.
  return json.includes('"kind":"delivery"') ? parse(json)?.view : undefined
}

/**
 * Puts two records of what left in one view together: the same bytes, counts and parts as both. Who asked is taken from the
 * first one, and so is its id. Returns undefined if they don't fit into one record, or one of them has another form.
 */
export function mergeDeliveries(first: string, second: string): string | undefined {
  const [a, b] = [parse(first), parse(second)]
  if (a === undefined || b === undefined) return undefined
  const merged = canonical({
    ...a,
    recorded: b.recorded > a.recorded ? b.recorded : a.recorded,
    answers: a.answers + b.answers,
    cut: a.cut + b.cut,
    assumed: a.assumed + b.assumed,
    bytes: a.bytes + b.bytes,
    parts: mergeParts(a.parts, b.parts),
    merged: mergeSources(sourcesOf(a), sourcesOf(b)),
  } satisfies Delivery)
  return merged.length > FULL ? undefined : merged
}

function parse(json: string): Delivery | undefined {
  try {
    const record = JSON.parse(json) as Partial<Delivery>
    const isWhole =
      record.kind === 'delivery' &&
      typeof record.view === 'string' &&
      Array.isArray(record.parts) &&
      record.gate !== undefined
    return isWhole ? (record as Delivery) : undefined
  } catch {
    return undefined
  }
}

function mergeParts(a: Delivery['parts'], b: Delivery['parts']): Delivery['parts'] {
  const parts = new Map<string | undefined, InclusiveRange[]>()
  for (const { part, ranges } of [...a, ...b]) {
    const known = parts.get(part) ?? []
    parts.set(part, known)
    for (const [first, last] of ranges) addRange(known, first, last)
  }
  return [...parts].map(([part, ranges]) => (part === undefined ? { ranges } : { part, ranges }))
}

type Sources = NonNullable<Delivery['merged']>

const sourcesOf = ({ merged, gate }: Delivery): Sources =>
  merged ?? [{ isolate: gate.isolate, seq: [gate.seq] }]

function mergeSources(a: Sources, b: Sources): Sources {
  const sources = new Map<string, readonly number[]>()
  for (const { isolate, seq } of [...a, ...b]) {
    sources.set(
      isolate,
      [...(sources.get(isolate) ?? []), ...seq].sort((x, y) => x - y),
    )
  }
  return [...sources].map(([isolate, seq]) => ({ isolate, seq }))
}
