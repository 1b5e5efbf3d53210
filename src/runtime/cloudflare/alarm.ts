import type { DurableState } from './bindings.ts'

/** The alarm of a Durable Object, which has only one, for all that needs it. */
export class Alarm {
  readonly #state: DurableState
  #time = Number.POSITIVE_INFINITY

  constructor(state: DurableState) {
    this.#state = state
  }

  /** Has the alarm go off at a time (in milliseconds since 1970), or before. What needs a later one sets it again then. */
  set(time: number): void {
    if (time >= this.#time) return
    this.#time = time
    void this.#state.storage.setAlarm(time)
  }

  /** To be called first when it goes off. */
  wentOff(): void {
    this.#time = Number.POSITIVE_INFINITY
  }
}
