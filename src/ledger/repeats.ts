import { within } from '../deadline.ts'
import { stageOf } from '../reason.ts'
import { Remembered } from '../remembered.ts'
import { tellOperator } from '../storage-fault.ts'
import type { WaitUntil } from '../wait-until.ts'
import type { AccessFacts } from './event.ts'
import { type Attempt, type Observed, observe } from './observe.ts'
import type { Recorder } from './recorder.ts'

/** A refusal that is on record. */
export interface RecordedRefusal {
  /** Of its record, or of the one that stands for it and others like it. */
  readonly id: string
  /** Seconds after which it makes sense to ask again, for one that asks the same in a loop. */
  readonly retryAfter?: number
}

/** Records refusals: each of its own, and of those that repeat themselves how many there were. */
export interface Refusals {
  /** Resolves when it is durable; rejects where it can't be. */
  record(attempt: Attempt, facts: AccessFacts, id: string, waitUntil: WaitUntil): Promise<RecordedRefusal>
  /** Records counts that are not on record yet. For when a process ends. */
  flush(): Promise<void>
}

/** The same refusal, again and again. */
interface Run {
  readonly since: number
  /** How many were recorded on their own. */
  single: number
  /** The record that stands for the rest, once there is one. */
  standsFor?: { readonly id: string; readonly recorded: Promise<string>; onRecord: boolean }
  /** How many it stands for beside itself. */
  folded: number
}

/** How long refusals are counted together, in milliseconds: within what Workers let a request go on after its answer. */
const WINDOW = 20_000
/** So many are recorded on their own: a player that tries again twice is no flood. */
const SINGLE = 3
/** Most runs that one isolate knows of; of one that it forgets the next refusal is recorded on its own again. */
const MAX_RUNS = 1_000
/** How long to wait for a record that another request has begun: if that one was cut off, it may never end. */
const PATIENCE = 5_000

/** Makes the recorder of refusals of one isolate. */
export function refusalRecorder(record: Recorder): Refusals {
  const runs = new Remembered<Run>(MAX_RUNS)
  const counting = new Set<() => Promise<void>>()

  /** The first that is not recorded on its own: its record says that it stands for others until a time. */
  async function begin(
    run: Run,
    observed: Observed,
    facts: AccessFacts,
    id: string,
    waitUntil: WaitUntil,
  ): Promise<string> {
    const end = run.since + WINDOW
    const recorded = record(observed, { ...facts, repeats: { until: new Date(end).toISOString() } }, id)
    const standsFor = { id, recorded, onRecord: false }
    run.standsFor = standsFor
    try {
      await recorded
      standsFor.onRecord = true
    } catch (error) {
      // The next one tries again.
      delete run.standsFor
      throw error
    }
    const count = async () => {
      if (!counting.delete(count) || run.folded === 0) return
      try {
        await record(observed, { ...facts, repeats: { of: id, count: run.folded } })
      } catch (error) {
        tellOperator(`how often a refusal was repeated is not on record, event ${id}`, error)
      }
    }
    counting.add(count)
    waitUntil(new Promise(resolve => setTimeout(resolve, end - observed.at)).then(count))
    return id
  }

  return {
    async record(attempt, facts, id, waitUntil) {
      const observed = observe(attempt)
      const { at } = observed
      const key = keyOf(observed, facts)
      if (key === undefined) return { id: await record(observed, facts, id) }
      const known = runs.get(key)
      const run =
        known !== undefined && at - known.since < WINDOW ? known : { since: at, single: 0, folded: 0 }
      if (run !== known) runs.set(key, run)
      if (run.single < SINGLE) {
        run.single += 1
        return { id: await record(observed, facts, id) }
      }
      const retryAfter = Math.max(1, Math.ceil((run.since + WINDOW - at) / 1000))
      const { standsFor } = run
      if (standsFor === undefined) return { id: await begin(run, observed, facts, id, waitUntil), retryAfter }
      if (!standsFor.onRecord) await within(PATIENCE, standsFor.recorded)
      // Counted only now: one that this record doesn't stand for is answered as a fault.
      run.folded += 1
      return { id: standsFor.id, retryAfter }
    },

    async flush() {
      await Promise.all([...counting].map(count => count()))
    },
  }
}

/**
 * What two refusals must have in common to be the same: all that their records would say of them, but time and range.
 * Undefined for one that is always recorded on its own: a fault of ours, or an upload.
 */
function keyOf(
  { network, subject, recording, part, release }: Observed,
  { reason, method }: AccessFacts,
): string | undefined {
  const stage = stageOf(reason)
  if (stage === 'fault' || stage === 'upload') return undefined
  const who = subject === undefined ? network.ip : [subject.issuer, subject.id, subject.token]
  return JSON.stringify([reason, method, recording, part, who, release])
}
