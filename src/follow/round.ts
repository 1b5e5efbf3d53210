import { shownFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import type { ReadEntry } from '../ledger/ledger.ts'
import { DeliveryFailure, type Outcomes, type Receiver } from './delivery.ts'

/** A record that waits to be handed over. */
export interface PendingRecord {
  readonly entry: ReadEntry
  /** Whether it was a dead letter. */
  readonly wasDead?: true
  isTaken?: true
  /** How often it was refused, why, and how many records the receiver had taken at the first time. */
  refused?: { readonly count: number; readonly reason: string; readonly takenBefore: number }
}

/** The longest that a receiver may take for a batch, in milliseconds. It has shorter limits of its own. */
const PATIENCE = 60_000
/** After so many refusals without one record taken, the receiver refuses everything, and splitting a batch is of no use. */
const MAX_STRIKES = 16

/** Hands a batch over, and finds out which records of it the receiver refuses. */
export class Round {
  readonly #receiver: Receiver
  readonly #batch: readonly PendingRecord[]
  readonly #takenBefore: number
  #strikes = 0
  #hasProbed = false
  /** How many records were taken. */
  taken = 0
  /** Why records were not taken that are not to blame for it, or the last refusal. */
  failure: DeliveryFailure | undefined

  constructor(receiver: Receiver, batch: readonly PendingRecord[], takenBefore: number) {
    this.#receiver = receiver
    this.#batch = batch
    this.#takenBefore = takenBefore
  }

  /** Never rejects: `failure` says what went wrong. */
  async run(): Promise<void> {
    try {
      await this.#hand(this.#batch)
    } catch (error) {
      this.failure = asFailure(error)
    }
  }

  /** Hands records over. If they are refused as a whole, each half on its own, in order, down to single records. */
  async #hand(all: readonly PendingRecord[]): Promise<void> {
    const records = all.filter(({ isTaken }) => !isTaken)
    if (records.length === 0) return
    const outcomes = await this.#deliver(records)
    if (outcomes === undefined) {
      const middle = Math.ceil(records.length / 2)
      await this.#hand(records.slice(0, middle))
      await this.#hand(records.slice(middle))
      return
    }
    for (const [i, record] of records.entries()) this.#settle(record, outcomes[i])
  }

  /** Returns undefined if the records must be handed over in smaller batches. */
  async #deliver(records: readonly PendingRecord[]): Promise<Outcomes | undefined> {
    try {
      return await withTimeout(PATIENCE, this.#receiver.deliver(records.map(({ entry }) => entry)))
    } catch (error) {
      const failure = asFailure(error)
      if (failure.kind !== 'refused') throw failure
      await this.#strike(failure)
      return records.length === 1 ? [failure] : undefined
    }
  }

  #settle(record: PendingRecord, failure: Outcomes[number]): void {
    if (failure === 'later') return
    if (failure === undefined) {
      record.isTaken = true
      this.taken += 1
      return
    }
    if (failure.kind === 'rejected') {
      record.refused = { count: Number.POSITIVE_INFINITY, reason: failure.message, takenBefore: -1 }
      return
    }
    this.failure = failure
    if (failure.kind !== 'refused') return
    const { count = 0, takenBefore = this.#takenBefore + this.taken } = record.refused ?? {}
    record.refused = { count: count + 1, reason: failure.message, takenBefore }
  }

  /** Gives up if the receiver refuses everything. The newest record is its last chance: the first ones may all be bad. */
  async #strike(failure: DeliveryFailure): Promise<void> {
    this.#strikes += 1
    if (this.#strikes <= MAX_STRIKES || this.taken > 0) return
    const last = this.#batch.at(-1)
    if (this.#hasProbed || last === undefined) throw failure
    this.#hasProbed = true
    await this.#hand([last])
    if (this.taken === 0) throw failure
  }
}

/** A fault of storage or of time passes. Anything else is a bug that a record meets, and must not hold up those after it. */
function asFailure(error: unknown): DeliveryFailure {
  if (error instanceof DeliveryFailure) return error
  const fault = shownFault(error)
  return fault === undefined
    ? new DeliveryFailure('refused', 'the gate failed to write it in the format of the sink')
    : new DeliveryFailure('unavailable', fault)
}
