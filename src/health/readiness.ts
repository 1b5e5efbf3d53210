import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import { logToOperator } from '../base/operator.ts'
import { NOT_SHOWN, shownFault } from '../base/storage-fault.ts'
import { type WaitUntil, withTimeout } from '../base/timeout.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { PROBE_KEY } from '../recordings/recording.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'

/** What readiness depends on. */
export interface ReadinessServices {
  readonly store: Pick<RecordingStore, 'find'>
  readonly ledger: Pick<Ledger, 'read' | 'spool'>
  readonly issuers: Pick<TrustedIssuers, 'entries'>
  readonly now: () => number
}

/** How long the result of a check counts, from when the check began, in milliseconds. */
const FRESH = 5_000
/** The longest that a part may take to answer, in milliseconds. A check asks all parts at once. */
const LIMIT = 3_000
/** The longest that a caller waits for a check, in milliseconds. */
const PATIENCE = 3_500
/** A check in progress. */
interface Check {
  readonly begun: number
  /** Resolves to whether the gate is ready. Never rejects. */
  readonly over: Promise<boolean>
}

/**
 * Knows whether the gate can answer requests. It makes one check at a time and uses its result for five seconds, so callers
 * can't have it ask the parts more often than that.
 */
export class Readiness {
  readonly #services: ReadinessServices
  #underWay: Check | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  #isReady = false
  /** Why the gate was not ready at the last check. Empty if it was. */
  #why = ''

  constructor(services: ReadinessServices) {
    this.#services = services
  }

  /** Resolves to whether the gate is ready. Never rejects. */
  async isReady(waitUntil: WaitUntil): Promise<boolean> {
    const now = this.#services.now()
    // Both also if the clock was set back. On Workers a check that was cut off with its request never ends.
    if (Math.abs(now - this.#checkedAt) < FRESH) return this.#isReady
    if (this.#underWay === undefined || Math.abs(now - this.#underWay.begun) > PATIENCE) {
      this.#underWay = { begun: now, over: this.#run(now, waitUntil) }
      waitUntil(this.#underWay.over)
    }
    // By a timer of this request's own, as on Workers no request can wait for another one's work alone.
    return withTimeout(PATIENCE, this.#underWay.over).catch(() => false)
  }

  async #run(begun: number, waitUntil: WaitUntil): Promise<boolean> {
    const { store } = this.#services
    const found = await Promise.all([
      failureOf('the log', () => this.#askLog()),
      failureOf('the store of the recordings', () => store.find(PROBE_KEY)),
      failureOf('the keys of the issuers', () => this.#loadKeys(begun, waitUntil)),
    ])
    const why = found.flat().join('; ')
    // One that was given up on may still end, after a later one.
    if (this.#underWay?.begun === begun) {
      this.#underWay = undefined
      this.#checkedAt = begun
      this.#isReady = why === ''
      if (why !== this.#why) logToOperator(why === '' ? 'ready again' : `not ready: ${why}`)
      this.#why = why
    }
    return why === ''
  }

  /** While the log fails, its spool takes the records, and the gate goes on. */
  async #askLog(): Promise<void> {
    const { ledger } = this.#services
    const { spool } = ledger
    const read = withTimeout(LIMIT / 2, ledger.read({ limit: 1, order: 'newest' }))
    await (spool === undefined ? read : read.catch(() => spool.waiting(1)))
  }

  /** One issuer whose keys are there is enough. Sources limit by themselves how often they fetch. */
  async #loadKeys(now: number, waitUntil: WaitUntil): Promise<void> {
    await Promise.any(this.#services.issuers.entries.map(({ keys }) => keys.current(now, waitUntil)))
  }
}

/** Asks a part of the gate. Resolves to why it failed, for the operator; to nothing if it answered. */
async function failureOf(part: string, ask: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await withTimeout(LIMIT, ask())
    return []
  } catch (error) {
    // Of keys, their source has said why.
    const why = error instanceof AggregateError ? 'none can be had' : (shownFault(error) ?? NOT_SHOWN)
    return [`${part} failed (${why})`]
  }
}
