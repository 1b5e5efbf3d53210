import { logFault, NOT_SHOWN } from '../base/storage-fault.ts'
import type { Follower } from './follower.ts'

/** How followers are woken later. */
export interface FollowerClock {
  now(): number
  /** Calls `wake` of the followers at a time, in milliseconds since 1970. A time before the one that is set wins. */
  wakeAt(time: number): void
}

/** What follows a log, step by step. */
export type Following = Pick<Follower, 'name' | 'step'>

/** How long to wait after the log or the states have failed, in milliseconds. */
const PAUSE = 10_000

/**
 * The followers of a log, in the process or object that has the log. Each goes on by itself: one that hangs holds up no other,
 * and none holds up the log.
 */
export class Followers {
  readonly #followers: readonly Following[]
  readonly #clock: FollowerClock
  readonly #running = new Map<Following, Promise<void>>()
  /** Those for which something came while they ran. */
  readonly #called = new Set<Following>()
  #isClosed = false

  constructor(followers: readonly Following[], clock: FollowerClock) {
    this.#followers = followers
    this.#clock = clock
  }

  /**
   * Has every follower go on. To be called when something was stored, at the start, and when the clock says so. Resolves when
   * none has anything to do. Never rejects.
   */
  async wake(): Promise<void> {
    await Promise.all(this.#followers.map(follower => this.#run(follower)))
  }

  /** Has them begin nothing more. What is under way comes again after the next start. */
  close(): void {
    this.#isClosed = true
  }

  #run(follower: Following): Promise<void> {
    this.#called.add(follower)
    const running = this.#running.get(follower) ?? this.#steps(follower)
    this.#running.set(follower, running)
    return running
  }

  async #steps(follower: Following): Promise<void> {
    while (this.#called.delete(follower) && !this.#isClosed) {
      let next = await this.#step(follower)
      while (next !== undefined && next <= this.#clock.now() && !this.#isClosed)
        next = await this.#step(follower)
      if (next !== undefined) this.#clock.wakeAt(next)
    }
    this.#running.delete(follower)
  }

  async #step(follower: Following): Promise<number | undefined> {
    try {
      return await follower.step()
    } catch (error) {
      if (this.#isClosed) return undefined
      logFault(
        `the sink ${JSON.stringify(follower.name)} can't read the log or store its state`,
        error,
        NOT_SHOWN,
      )
      return this.#clock.now() + PAUSE
    }
  }
}
