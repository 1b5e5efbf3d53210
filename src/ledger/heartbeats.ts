import type { RequestContext } from '../request-context.ts'
import type { HeartbeatFacts } from './facts/gate-facts.ts'
import { withoutCaller } from './head.ts'
import type { Recorder } from './recorder.ts'

/** The least time between two heartbeats of an isolate, in milliseconds. */
const EVERY = 60_000

/**
 * The heartbeats of one isolate. Workers have no timers of their own, so a request records one if the last one is a minute
 * old. No answer waits for it.
 */
export class Heartbeats {
  readonly #record: Recorder
  readonly #now: () => number
  #last = Number.NEGATIVE_INFINITY

  constructor(record: Recorder, now: () => number) {
    this.#record = record
    this.#now = now
  }

  /** Records a heartbeat after an answer, if it is time to. */
  beat({ waitUntil }: Pick<RequestContext, 'waitUntil'>): void {
    const now = this.#now()
    // Also if the clock was set back.
    if (Math.abs(now - this.#last) < EVERY) return
    this.#last = now
    waitUntil(this.#write(now, { kind: 'heartbeat' }))
  }

  /** Records the last heartbeat, if the isolate had traffic. For when a process ends, after all other records. */
  async end(): Promise<void> {
    if (this.#last === Number.NEGATIVE_INFINITY) return
    this.#last = Number.NEGATIVE_INFINITY
    await this.#write(this.#now(), { kind: 'heartbeat', final: true })
  }

  async #write(now: number, facts: HeartbeatFacts): Promise<void> {
    // One that no store takes counts as missing, like every other record.
    await this.#record(withoutCaller(now), facts).catch(() => {})
  }
}
