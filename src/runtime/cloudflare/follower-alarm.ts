import { beginWait } from '../../base/timeout.ts'
import type { FollowerClock } from '../../follow/followers.ts'
import { WakeTimer } from '../../follow/wake-timer.ts'
import type { Alarm } from './alarm.ts'

/** After so long, in milliseconds, an alarm looks whether the object was evicted while a follower was at work. */
const ALARM = 60_000
/** An alarm waits so long for followers, in milliseconds, before it lets another one go on. */
const PATIENCE = 50_000
/** Below this time, in milliseconds, a timer wakes followers, since an alarm is a row written. */
const SHORT = 10_000

/** Wakes followers in a Durable Object: soon by a timer, later and after an eviction by its alarm. */
export class FollowerAlarm implements FollowerClock {
  readonly #alarm: Alarm
  readonly #wake: () => Promise<void>
  readonly #timer: WakeTimer

  /** @param wake resolves when no follower has anything to do */
  constructor(alarm: Alarm, wake: () => Promise<void>) {
    this.#alarm = alarm
    this.#wake = wake
    this.#timer = new WakeTimer((callback, milliseconds) => setTimeout(callback, milliseconds), wake)
  }

  now(): number {
    return Date.now()
  }

  /** Wakes the followers, when something was stored. */
  begin(): void {
    this.#alarm.set(this.now() + ALARM)
    void this.#wake()
  }

  wakeAt(time: number): void {
    const now = this.now()
    if (time < now + SHORT) this.#timer.set(time, now)
    this.#alarm.set(Math.max(time, now + SHORT))
  }

  /** To be called when the alarm goes off. Resolves when no follower has anything to do, or after a while. */
  async wentOff(): Promise<void> {
    let isLate = true
    const done = this.#wake().then(() => {
      isLate = false
    })
    const patience = beginWait(PATIENCE)
    await Promise.race([done, patience.over])
    // A timer that is left running keeps the object in memory, which is paid for.
    patience.end()
    if (isLate) this.#alarm.set(this.now() + SHORT)
  }
}
