import { nameOf } from '../authenticate/entry.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import { type Amount, amountsOf } from '../ledger/query/amounts.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { stageOf } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import type { Family, Labels, MetricSource, Sample } from './families.ts'
import { samplesOfLog } from './log-metrics.ts'

/** How a request ended: with an answer, with a refusal, or with a fault of the gate's own. */
type Outcome = 'answered' | 'refused' | 'failed'

const REQUESTS: Family = ['mediaward_requests', 'counter', 'Requests that were answered, by outcome.']
const DURATIONS: Family = [
  'mediaward_request_duration_seconds',
  'histogram',
  'Time until an answer began, by outcome and method.',
]
const KEY_FETCHES: Family = ['mediaward_key_fetches', 'counter', 'Fetches of keys, by entry and outcome.']

/** The families that a process alone has. */
export const PROCESS_FAMILIES: readonly Family[] = [REQUESTS, DURATIONS, KEY_FETCHES]

/** The bounds of the durations, in seconds, as OpenMetrics writes them: each has a fraction (4.1.3.4). */
const BOUNDS = ['0.005', '0.02', '0.1', '0.25', '1.0', '2.5', '10.0', '+Inf']
const LIMITS = BOUNDS.map(bound => (bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)))
const OUTCOMES: readonly Outcome[] = ['answered', 'refused', 'failed']
/** A client may send any method, and each would be a label. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])

interface Durations {
  readonly outcome: Outcome
  readonly method: string
  /** How many are up to each bound, and above the one before. */
  readonly counts: number[]
  sum: number
}

interface Fetches {
  readonly label: string
  loaded: number
  failed: number
}

/** The figures of one process since it began, in memory. What they cost a request is a few additions. */
export class ProcessMetrics implements MetricSource {
  readonly name = 'process'
  readonly #durations = new Map<string, Durations>()
  readonly #amounts = new Map<string, Amount>()
  readonly #fetches = new Map<string, Fetches>()

  /** Counts a request. */
  answered(method: string, answer: Response | Refusal, milliseconds: number): void {
    const outcome = outcomeOf(answer)
    const label = METHODS.has(method) ? method : 'other'
    const key = `${outcome} ${label}`
    let durations = this.#durations.get(key)
    if (durations === undefined) {
      durations = { outcome, method: label, counts: BOUNDS.map(() => 0), sum: 0 }
      this.#durations.set(key, durations)
    }
    // The clock may have been set back.
    const seconds = Math.max(milliseconds, 0) / 1000
    const bucket = LIMITS.findIndex(limit => seconds <= limit)
    durations.counts[bucket] = (durations.counts[bucket] ?? 0) + 1
    durations.sum += seconds
  }

  /** Begins to count the fetches of issuers' keys, each at 0. Their labels are their own names, else their places. */
  watchKeys(issuers: readonly Issuer[]): void {
    for (const [place, issuer] of issuers.entries()) {
      const { name = '://' } = issuer
      // An operator may have named an entry as its URL.
      const label = name.includes('://') ? `ISSUERS[${place}]` : name
      this.#fetches.set(nameOf(issuer), { label, loaded: 0, failed: 0 })
    }
  }

  /** Counts a fetch of an entry's keys. */
  keysFetched(entry: Issuer, isLoaded: boolean): void {
    const fetches = this.#fetches.get(nameOf(entry))
    if (fetches !== undefined) fetches[isLoaded ? 'loaded' : 'failed'] += 1
  }

  /** Returns a recorder that counts what it records, and what no store took. */
  counting(record: Recorder): Recorder {
    return async (observed, facts, id) => {
      try {
        const recorded = await record(observed, facts, id)
        for (const amount of amountsOf({ ...facts })) this.#add(amount)
        return recorded
      } catch (error) {
        this.#add(['lost', '', 1])
        throw error
      }
    }
  }

  async read(): Promise<readonly Sample[]> {
    const all = [...this.#durations.values()]
    return [
      ...OUTCOMES.map((outcome): Sample => {
        const some = all.filter(one => one.outcome === outcome).flatMap(({ counts }) => counts)
        return [REQUESTS, some.reduce((sum, count) => sum + count, 0), { outcome }]
      }),
      ...all.flatMap(({ outcome, method, counts, sum }) => bucketsOf({ outcome, method }, counts, sum)),
      ...samplesOfLog([...this.#amounts.values()]),
      ...[...this.#fetches.values()].flatMap(({ label: entry, loaded, failed }): Sample[] => [
        [KEY_FETCHES, loaded, { entry, outcome: 'loaded' }],
        [KEY_FETCHES, failed, { entry, outcome: 'failed' }],
      ]),
    ]
  }

  #add([name, reason, amount]: Amount): void {
    const key = `${name} ${reason}`
    this.#amounts.set(key, [name, reason, (this.#amounts.get(key)?.[2] ?? 0) + amount])
  }
}

/** A bucket counts all that is up to its bound, so also what the ones before it count (5.3). */
function bucketsOf(labels: Labels, counts: readonly number[], sum: number): readonly Sample[] {
  let count = 0
  const buckets = counts.map((some, i): Sample => {
    count += some
    return [DURATIONS, count, { ...labels, le: BOUNDS[i] ?? '' }, '_bucket']
  })
  return [...buckets, [DURATIONS, sum, labels, '_sum'], [DURATIONS, count, labels, '_count']]
}

function outcomeOf(answer: Response | Refusal): Outcome {
  if (!(answer instanceof Refusal)) return 'answered'
  return stageOf(answer.reason) === 'fault' ? 'failed' : 'refused'
}
