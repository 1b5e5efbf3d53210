import { withTimeout } from '../../base/timeout.ts'
import { workTimeInSlot } from '../../base/timing-slot.ts'
import type { RequestContext } from '../../request-context.ts'
import type { AccessFacts } from '../event.ts'
import { observe } from '../head.ts'
import type { Recorder } from '../recorder.ts'
import type { Coalescing, RefusalRecord } from './coalescing.ts'
import { FloodRecorder } from './floods.ts'
import { Runs } from './runs.ts'
import { visibleKey } from './visible-key.ts'

/** A refusal that is on record. */
export interface RecordedRefusal {
  /** Of its record, or of the one that represents it and others that the caller saw answered alike. */
  readonly id: string
  /** Seconds after which it makes sense to ask again, for a caller that asks the same in a loop. */
  readonly retryAfter?: number
  /** Whether its answer leaves in a timing slot, whatever its reason is. */
  readonly isPaced: boolean
}

/**
 * How repeated requests are coalesced. The record that represents further ones has `repeats.until`, and they are answered
 * with its id. The window is within what Workers let a request go on after its answer. A player that tries again twice is
 * no loop.
 */
const REPEATS: Coalescing = {
  window: 20_000,
  single: 3,
  goesOn: false,
  maxRuns: 1_000,
  maxKinds: 8,
  sample: 0,
  // All of a kind are for the same.
  recordings: { ofKind: 0, inAll: 0 },
  kindOf: sayingOf,
  first: (refusal, until) => ({ ...refusal, facts: { ...refusal.facts, repeats: { until } } }),
  further: (refusal, of) => countOf(refusal, of, 1),
  total: ({ last, count }, of) => countOf(last, of, count),
}

/**
 * Records the refusals of one isolate: the first few of a run each on its own, the rest of it as counts. What would get a
 * record of its own is summed up if it is part of a flood.
 *
 * A caller sees an id and perhaps a time to wait. Both follow from the run, which is keyed by what the caller knows
 * anyway. What only the log may say (the reason, the owner) never decides what is answered: a caller could poll an id and
 * see by the answer that a recorder stored it.
 */
export class RefusalRecorder {
  readonly #floods: FloodRecorder
  readonly #repeats: Runs

  constructor(record: Recorder, now: () => number) {
    this.#floods = new FloodRecorder(({ observed, facts, id }) => record(observed, facts, id), now)
    this.#repeats = new Runs(REPEATS, (refusal, waitUntil) => this.#floods.record(refusal, waitUntil), now)
  }

  /**
   * Resolves when a refusal is durable; rejects if it can't be.
   *
   * @param id of the refusal, if it gets a record of its own
   */
  async record(context: RequestContext, facts: AccessFacts, id: string): Promise<RecordedRefusal> {
    const refusal = { observed: observe(context), facts, id }
    const { waitUntil } = context
    const key = await visibleKey(context, facts)
    if (key === undefined) {
      await this.#floods.record(refusal, waitUntil)
      return { id, isPaced: this.#floods.isOn(refusal) }
    }
    const { left, tried, ...recorded } = await this.#repeats.record(key, refusal, waitUntil)
    if (tried !== undefined) await waitWithinSlot(context, tried)
    return {
      ...recorded,
      ...(left !== undefined && { retryAfter: Math.max(1, Math.ceil(left / 1000)) }),
      isPaced: this.#floods.isOn(refusal),
    }
  }

  /** Records counts that are not on record yet. For when a process ends. */
  async flush(): Promise<void> {
    await this.#repeats.flush()
    await this.#floods.flush()
  }
}

/**
 * Waits for the record of another reason only as long as the timing slot of the answer hides it: a ledger that takes longer
 * would show that the reason is another one, so that a recorder stored the recording. It doesn't matter whether that record
 * is on its way any more: on Workers the request that began it may have been cut off.
 */
async function waitWithinSlot({ at, now }: RequestContext, tried: Promise<unknown>): Promise<void> {
  await withTimeout(workTimeInSlot(now() - at), tried).catch(() => {})
}

function countOf({ observed, facts }: RefusalRecord, of: string, count: number): RefusalRecord {
  const { range: _, ...common } = facts
  return { observed, facts: { ...common, repeats: { of, count } } }
}

/** All that the record of a refusal would say, except its time, its range, and which address of a network it came from. */
function sayingOf({ observed, facts }: RefusalRecord): string {
  const { at: _, network, ...rest } = observed
  const { ip: __, ...origin } = network
  const { range: ___, ...said } = facts
  return JSON.stringify([origin, rest, said])
}
