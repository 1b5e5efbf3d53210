import { logFault } from '../base/storage-fault.ts'
import type { WaitUntil } from '../base/timeout.ts'
import { beginWait, type Wait, withTimeout } from '../base/timeout.ts'
import type { Taken } from '../recordings/recording-store.ts'
import { type Delivered, DeliveryTally } from './delivery-tally.ts'
import type { Observed } from './head.ts'
import type { Recorder } from './recorder.ts'

/** An answer whose bytes are on their way. */
export interface Delivery extends Omit<Delivered, 'taken'> {
  /** Id of the view's record. */
  readonly view: string
  /** Resolves to how much was taken; undefined if the store can't tell. Never rejects. */
  readonly taken: Promise<Taken> | undefined
}

interface Pending {
  /** The request whose answer was the first in it. */
  readonly observed: Observed
  readonly began: number
  readonly sum: DeliveryTally
  /** Until it is recorded. */
  readonly wait: Wait
}

/** How long answers of a view are put together before they are recorded, in milliseconds. */
const EVERY = 10_000
/**
 * After so long without its record, another request takes it over: on Workers the one that was to do it may have been
 * ended with its viewer gone. In milliseconds.
 */
const OVERDUE = 60_000

/** Most views whose bytes are counted at once. For one more, the oldest count is recorded early. */
const MAX_PENDING = 10_000

/** How many characters a record may have before its last answer is added. It may have 64 KiB in all. */
const FULL = 48 * 1024

/** How long `flush` waits to learn what was taken of unfinished answers, in milliseconds. */
const CUT = 1000

/** The deliveries of one isolate: adds up which bytes left in each view, and records it now and then. */
export class Deliveries {
  readonly #record: Recorder
  readonly #now: () => number
  /** Unfinished answers: the function that counts one, and the promise that calls it. */
  readonly #underWay = new Map<(taken: Taken | undefined) => void, Promise<void>>()
  /** By view, in the order in which they began. */
  readonly #pending = new Map<string, Pending>()

  constructor(record: Recorder, now: () => number) {
    this.#record = record
    this.#now = now
  }

  /** Counts an answer whose bytes are on their way. */
  sending(observed: Observed, { view, taken, ...asked }: Delivery, waitUntil: WaitUntil): void {
    if (taken === undefined) {
      this.#add(observed, { ...asked, taken }, view, waitUntil)
      return
    }
    const count = (left: Taken | undefined) => {
      if (this.#underWay.delete(count)) this.#add(observed, { ...asked, taken: left }, view, waitUntil)
    }
    const counted = taken.then(count)
    this.#underWay.set(count, counted)
    // On Workers this also keeps the bytes moving.
    waitUntil(counted)
  }

  /** Records what is not on record yet. For when a process ends. */
  async flush(): Promise<void> {
    // Of a connection that was just cut it takes a moment until it is known what was taken. If it stays unknown, all that
    // was asked for counts.
    await withTimeout(CUT, Promise.all(this.#underWay.values())).catch(() => {})
    for (const count of this.#underWay.keys()) count(undefined)
    await Promise.all([...this.#pending].map(([view, one]) => this.#write(view, one)))
  }

  #add(observed: Observed, delivered: Delivered, view: string, waitUntil: WaitUntil): void {
    const one = this.#pending.get(view) ?? this.#begin(view, observed, waitUntil)
    one.sum.add(delivered)
    if (one.sum.size > FULL) waitUntil(this.#write(view, one))
    const [oldest] = this.#pending
    const isOverdue = oldest !== undefined && this.#now() - oldest[1].began > OVERDUE
    if (oldest !== undefined && (isOverdue || this.#pending.size > MAX_PENDING)) {
      waitUntil(this.#write(...oldest))
    }
  }

  #begin(view: string, observed: Observed, waitUntil: WaitUntil): Pending {
    const one = { observed, began: this.#now(), sum: new DeliveryTally(), wait: beginWait(EVERY) }
    this.#pending.set(view, one)
    waitUntil(one.wait.over.then(() => this.#write(view, one)))
    return one
  }

  async #write(view: string, one: Pending): Promise<void> {
    // Written already, as there was too much of it, or by another request.
    if (this.#pending.get(view) !== one) return
    this.#pending.delete(view)
    one.wait.end()
    try {
      await this.#record(one.observed, one.sum.facts(view))
    } catch (error) {
      logFault('which bytes left in a view is not on record', error)
    }
  }
}
