import { LruCache } from '../base/lru-cache.ts'
import { logFault } from '../base/storage-fault.ts'
import type { WaitUntil } from '../base/timeout.ts'
import { beginWait, type Wait, withTimeout } from '../base/timeout.ts'
import { workTimeInSlot } from '../base/timing-slot.ts'
import type { RequestContext } from '../request-context.ts'
import type { AccessFacts } from './event.ts'
import { type Observed, observe } from './head.ts'
import type { Recorder } from './recorder.ts'
import { visibleKey } from './visible-key.ts'

/** A refusal that is on record. */
export interface RecordedRefusal {
  /** Of its record, or of the one that represents it and others that the caller saw answered alike. */
  readonly id: string
  /** Seconds after which it makes sense to ask again, for a caller that asks the same in a loop. */
  readonly retryAfter?: number
}

/** Refusals that look the same to the caller who gets them, within one window. */
interface Run {
  /** When its first refusal was recorded. */
  readonly since: number
  /** How many were recorded on their own. */
  single: number
  /** The record that represents the rest, once there is one. */
  representative?: Representative
}

/** A record that represents all further refusals of its run: they are answered with its id. */
interface Representative {
  readonly id: string
  /**
   * `pending` until its record is durable, `open` while it takes counts, `written` from the moment its counts are being
   * written.
   */
  state: 'pending' | 'open' | 'written'
  readonly recorded: Promise<void>
  /** Until its counts are written; undefined while it is pending. */
  wait?: Wait
  /** What was refused after it, by what the log says of it. */
  readonly kinds: Map<string, Kind>
}

/** Refusals of a run of which the log says the same. */
interface Kind {
  /** The last one of them. */
  observed: Observed
  readonly facts: AccessFacts
  /** How many are not on record yet. */
  count: number
  /** Resolves when the record of the first one is durable, or can't be made. */
  readonly tried: Promise<void>
}

/** How long refusals are counted together, in milliseconds: within what Workers let a request go on after its answer. */
const WINDOW = 20_000
/** So many are recorded on their own: a player that tries again twice is no flood. */
const SINGLE = 3
/** Most runs that one isolate knows of. One that it forgets is counted at once. */
const MAX_RUNS = 1_000
/** Most kinds that one run counts. A refusal of a further kind gets a record of its own. */
const MAX_KINDS = 8
/** Most kinds that one run counts while no store takes records. Of a further one only the last resort has the record. */
const MAX_UNRECORDED = 256
/** How long to wait for a record that another request has begun: if that one was cut off, it may never end. */
const PATIENCE = 5_000

/**
 * Records the refusals of one isolate: the first few of a run each on its own, the rest of it as counts.
 *
 * A caller sees an id and perhaps a time to wait. Both follow from the run, which is keyed by what the caller knows
 * anyway. What only the log may say (the reason, the owner) never decides what is answered: a caller could poll an id and
 * see by the answer that a recorder stored it.
 */
export class RefusalRecorder {
  readonly #record: Recorder
  readonly #now: () => number
  readonly #runs = new LruCache<Run>(MAX_RUNS)
  readonly #open = new Set<Representative>()
  /** Records of kinds that are on their way while their answers may have left. */
  readonly #underWay = new Set<Promise<void>>()

  constructor(record: Recorder, now: () => number) {
    this.#record = record
    this.#now = now
  }

  /**
   * Resolves when a refusal is durable; rejects if it can't be.
   *
   * @param id of the refusal, if it gets a record of its own
   */
  async record(context: RequestContext, facts: AccessFacts, id: string): Promise<RecordedRefusal> {
    const refusal = { observed: observe(context), facts, id }
    const key = await visibleKey(context, facts)
    if (key === undefined) return this.#recordAlone(refusal)
    const { waitUntil } = context
    const run = this.#runOf(key, waitUntil)
    if (run.single < SINGLE) {
      run.single += 1
      return this.#recordAlone(refusal)
    }
    const retryAfter = Math.max(1, Math.ceil((run.since + WINDOW - this.#now()) / 1000))
    const known = run.representative
    const representative = known ?? this.#represent(run, refusal, waitUntil)
    try {
      if (known === undefined) await representative.recorded
      else if (known.state === 'pending') await withTimeout(PATIENCE, known.recorded)
    } catch (error) {
      // The next one tries again.
      if (run.representative === representative) delete run.representative
      if (known === undefined) throw error
      // No record represents this one, so it gets one of its own.
      return { ...(await this.#recordAlone(refusal)), retryAfter }
    }
    if (known !== undefined && representative.state !== 'open') {
      await this.#recordCount(representative.id, refusal, 1)
    } else if (known !== undefined) {
      const counted = this.#count(representative, refusal, waitUntil)
      // Also if that record is not on its way any more: on Workers the request that began it may have been cut off.
      await withTimeout(workTimeInSlot(context.now() - context.at), counted).catch(() => {})
    }
    return { id: representative.id, retryAfter }
  }

  /** Records counts that are not on record yet. For when a process ends. */
  async flush(): Promise<void> {
    // What fails of these goes with the counts.
    await Promise.all(this.#underWay)
    await Promise.all([...this.#open].map(representative => this.#finish(representative)))
  }

  async #recordAlone({ observed, facts, id }: ObservedRefusal): Promise<RecordedRefusal> {
    return { id: await this.#record(observed, facts, id) }
  }

  #runOf(key: string, waitUntil: WaitUntil): Run {
    const known = this.#runs.get(key)
    const goesOn =
      known !== undefined && this.#now() - known.since < WINDOW && known.representative?.state !== 'written'
    if (goesOn) return known
    const run: Run = { since: this.#now(), single: 0 }
    // On Workers the request that was to write the counts of the one before may have been ended.
    for (const one of [known, this.#runs.set(key, run)]) {
      if (one?.representative) waitUntil(this.#finish(one.representative))
    }
    return run
  }

  /** Begins the record that represents all further refusals of a run until its window ends. */
  #represent(run: Run, { observed, facts, id }: ObservedRefusal, waitUntil: WaitUntil): Representative {
    const end = run.since + WINDOW
    const repeats = { until: new Date(end).toISOString() }
    const recorded = this.#record(observed, { ...facts, repeats }, id).then(() => {
      representative.state = 'open'
      this.#open.add(representative)
    })
    const first = { observed, facts, count: 0, tried: recorded }
    const kinds = new Map([[kindOf(observed, facts), first]])
    const representative: Representative = { id, state: 'pending', recorded, kinds }
    run.representative = representative
    const counted = recorded
      .then(() => {
        representative.wait = beginWait(end - this.#now())
        return representative.wait.over
      })
      .then(() => this.#finish(representative))
    waitUntil(counted.catch(() => {}))
    return representative
  }

  /**
   * Counts a refusal that a durable record represents. The first of its kind gets a record of its own, which its answer
   * waits for only as long as the timing slot hides it: a ledger that takes longer would show that the reason is another
   * one, so that a recorder stored the recording.
   */
  #count({ id, kinds }: Representative, refusal: ObservedRefusal, waitUntil: WaitUntil): Promise<void> {
    const { observed, facts } = refusal
    const name = kindOf(observed, facts)
    const known = kinds.get(name)
    if (known !== undefined) {
      known.count += 1
      known.observed = observed
      return known.tried
    }
    const added: Kind = {
      ...{ observed, facts, count: 0 },
      // The caller is answered the same, whatever becomes of this record: it is tried again with the counts. Once these are
      // written, only the last resort has it.
      tried: this.#recordCount(id, refusal, 1)
        .catch(() => {
          const counted = kinds.get(name) ?? added
          counted.count += 1
          if (kinds.size < MAX_UNRECORDED) kinds.set(name, counted)
        })
        .finally(() => this.#underWay.delete(added.tried)),
    }
    this.#underWay.add(added.tried)
    waitUntil(added.tried)
    if (kinds.size < MAX_KINDS) kinds.set(name, added)
    return added.tried
  }

  async #recordCount(of: string, { observed, facts }: ObservedFacts, count: number): Promise<void> {
    const { range: _, ...common } = facts
    await this.#record(observed, { ...common, repeats: { of, count } })
  }

  /** Writes the counts of a run. It counts no more after that: the run's next refusal begins another run. */
  async #finish(representative: Representative): Promise<void> {
    if (!this.#open.delete(representative)) return
    representative.state = 'written'
    representative.wait?.end()
    const { id, kinds } = representative
    const writing = [...kinds.values()].filter(({ count }) => count > 0)
    // Each on its own: were the first to fail to end this, Workers could end the writing of the others.
    await Promise.all(
      writing.map(kind =>
        this.#recordCount(id, kind, kind.count).catch((error: unknown) =>
          logFault(`how often a refusal was repeated is not on record, event ${id}`, error),
        ),
      ),
    )
  }
}

/** What the record of a refusal says. */
interface ObservedFacts {
  readonly observed: Observed
  readonly facts: AccessFacts
}

/** A refusal that is to be recorded. */
interface ObservedRefusal extends ObservedFacts {
  readonly id: string
}

/** All that the record of a refusal would say, except its time, its range, and which address of a network it came from. */
function kindOf(
  { at: _, network: { ip: __, ...network }, ...observed }: Observed,
  { range: ___, ...facts }: AccessFacts,
): string {
  return JSON.stringify([network, observed, facts])
}
