import type { WaitUntil } from '../../base/timeout.ts'
import type { Coalescing, Kind, RefusalRecord } from './coalescing.ts'
import { type RecordRefusal, Runs } from './runs.ts'

/**
 * How floods are summed up: more than `single` refusals a minute that no accepted token came with, from one network. The
 * record that begins the sum has `sum.until`, and so has the first of each further reason. Each refusal is answered with an
 * id of its own.
 */
const FLOODS: Coalescing = {
  window: 60_000,
  single: 300,
  // While a flood lasts, no minute of it begins with 300 records.
  goesOn: true,
  maxRuns: 2_000,
  // More than there are reasons.
  maxKinds: 100,
  sample: 20,
  // A canary that is touched in a flood must show. A name has up to 128 characters, so the largest sum has 33 KB.
  recordings: { ofKind: 256, inAll: 20_000 },
  kindOf: refusal => (showsWho(refusal) ? undefined : refusal.facts.reason),
  first: summedUntil,
  further: (refusal, _, until) => (showsWho(refusal) ? refusal : summedUntil(refusal, until)),
  total: sumOf,
}

/**
 * Sums up the refusals of floods, in one isolate. What it sees as a flood, and what answers wait for, follows from what the
 * callers see: the network, and that no token was accepted. That a token which is refused has a good signature only
 * decides what the log says: such a refusal is part of the flood, and still gets a record of its own.
 */
export class FloodRecorder {
  readonly #record: RecordRefusal
  readonly #runs: Runs

  constructor(record: RecordRefusal, now: () => number) {
    this.#record = record
    this.#runs = new Runs(FLOODS, record, now)
  }

  /** Resolves when a record is durable, or when the one that begins the sum is; rejects if it can't be. */
  async record(refusal: RefusalRecord, waitUntil?: WaitUntil): Promise<void> {
    const { id, facts } = refusal
    const network = networkOf(refusal)
    if (network !== undefined && facts.repeats !== undefined && 'of' in facts.repeats) {
      const { of, count } = facts.repeats
      // These were answered before, so they neither begin a flood nor make it longer.
      if (this.#runs.add(network, { ...refusal, id: of }, count)) return
    }
    if (network === undefined || id === undefined || waitUntil === undefined) await this.#record(refusal)
    else await this.#runs.record(network, { ...refusal, id }, waitUntil)
  }

  /** Returns whether a refusal is one of those that are summed up now, as far as its caller sees. */
  isOn(refusal: RefusalRecord): boolean {
    const network = networkOf(refusal)
    return network !== undefined && this.#runs.isFull(network)
  }

  /** Records sums that are not on record yet. For when a process ends. */
  flush(): Promise<void> {
    return this.#runs.flush()
  }
}

/** The network whose flood a refusal may be part of. Undefined if its caller knows that its token was accepted. */
function networkOf({ observed, facts }: RefusalRecord): string | undefined {
  return observed.subject === undefined || facts.status === 401 ? observed.network.prefix : undefined
}

/** Whether a good signature, or a ticket of the gate, shows who was refused. */
function showsWho({ observed: { subject, token, ticket } }: RefusalRecord): boolean {
  return subject !== undefined || token?.issuer !== undefined || ticket !== undefined
}

function summedUntil(refusal: RefusalRecord, until: string): RefusalRecord {
  return { ...refusal, facts: { ...refusal.facts, sum: { until } } }
}

function sumOf({ last, count, firstId, sample, recordings }: Kind, of: string): RefusalRecord {
  // One that a store didn't take when it came.
  if (showsWho(last)) return last
  const { network } = last.observed
  const nothing = {
    ...{ token: undefined, recording: undefined, part: undefined, release: undefined },
    ownership: undefined,
  }
  const { kind, decision, reason, status, method } = last.facts
  const ids = { first: firstId ?? of, last: last.id ?? of, sample: sample.toSorted() }
  const named = recordings.size === 0 ? {} : { recordings: [...recordings] }
  return {
    observed: { ...last.observed, ...nothing, network: { ...network, ip: undefined } },
    facts: { kind, decision, reason, status, method, sum: { of, count, ...ids, ...named } },
  }
}
