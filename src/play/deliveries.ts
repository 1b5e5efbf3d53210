import type { Observed } from '../ledger/observe.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { tellOperator } from '../storage-fault.ts'
import type { WaitUntil } from '../wait-until.ts'
import { type Delivered, DeliveredSum } from './delivered.ts'

/** An answer whose bytes are on their way. */
export interface Delivery extends Omit<Delivered, 'taken'> {
  /** Id of the view's record. */
  readonly view: string
  /** Resolves to how many bytes were taken; undefined where the store can't tell. Never rejects. */
  readonly taken: Promise<number> | undefined
}

/** Puts together which bytes left in each view, and records it now and then. */
export interface Deliveries {
  sending(observed: Observed, delivery: Delivery, waitUntil: WaitUntil): void
  /** Records what is not on record yet. For when a process ends. */
  flush(): Promise<void>
}

interface Pending {
  readonly observed: Observed
  readonly sum: DeliveredSum
}

/** How long answers of a view are put together before they are recorded, in milliseconds. */
const EVERY = 10_000
/**
 * After so long without its record, another request takes it over: on Workers the one that was to do it may have been
 * ended with its viewer gone. In milliseconds.
 */
const OVERDUE = 60_000

/** A record is not let grow longer than so many characters, and one answer more: it may have 64 KiB. */
const FULL = 48 * 1024

/** Makes the deliveries of one isolate. */
export function deliveryRecorder(record: Recorder): Deliveries {
  const pending = new Map<string, Pending>()

  async function write(view: string, one: Pending): Promise<void> {
    // Written already, as there was too much of it, or by another request.
    if (pending.get(view) !== one) return
    pending.delete(view)
    try {
      await record(one.observed, one.sum.facts(view))
    } catch (error) {
      tellOperator('which bytes left in a view is not on record', error)
    }
  }

  function add(
    observed: Observed,
    delivery: Delivery,
    taken: number | undefined,
    waitUntil: WaitUntil,
  ): void {
    const { view } = delivery
    let one = pending.get(view)
    const fresh = one === undefined
    if (one === undefined) {
      one = { observed, sum: new DeliveredSum() }
      pending.set(view, one)
    }
    const mine = one
    mine.sum.add({ ...delivery, taken })
    if (mine.sum.size > FULL || observed.at - mine.observed.at > OVERDUE) waitUntil(write(view, mine))
    else if (fresh)
      waitUntil(new Promise(resolve => setTimeout(resolve, EVERY)).then(() => write(view, mine)))
  }

  return {
    sending(observed, delivery, waitUntil) {
      if (delivery.taken === undefined) add(observed, delivery, undefined, waitUntil)
      else waitUntil(delivery.taken.then(taken => add(observed, delivery, taken, waitUntil)))
    },
    async flush() {
      await Promise.all([...pending].map(([view, one]) => write(view, one)))
    },
  }
}
