import { logFault, NOT_SHOWN } from '../base/storage-fault.ts'
import { type WaitUntil, withTimeout } from '../base/timeout.ts'
import { Fault } from '../refusal.ts'
import type { Changes, Control } from './control.ts'
import { Restrictions } from './restrictions.ts'
import { SharedQuestion } from './shared-question.ts'

/** What is known is used without a question for so long, in milliseconds. */
const FRESH = 500
/** What is known is used for so long while it is asked what has changed, in milliseconds. */
const CURRENT = 1_000
/** How long an answer may take, in milliseconds. */
const PATIENCE = 1_000
/** While nothing answers, what is known is used for so long, in milliseconds. */
const LAST_KNOWN = 10_000
/** How long a question of a stream waits for a change, in milliseconds. A worker may ask 10,000 times for one stream. */
const WAIT = 5_000

/** How often a stream looks whether it has to end, in milliseconds. */
export const LOOK_EVERY = 500

/** The stream that has the question of all streams open. */
interface Listener {
  readonly stream: object | undefined
  /** When it called last. */
  seen: number
  /** Whether the question is open. */
  isOpen: boolean
}

const NO_LISTENER: Listener = { stream: undefined, seen: Number.NEGATIVE_INFINITY, isOpen: false }

/**
 * What one isolate knows of the restrictions in force. Requests ask at most twice a second what has changed, and four times a
 * second while answers are slow. Streams in flight have one question open that is answered at the moment of a change.
 *
 * If nothing answers, the last state counts for ten seconds. Then the copy elsewhere does. Without that, nothing is permitted.
 */
export class ControlView {
  readonly #control: Control
  readonly #now: () => number
  readonly #changes = new SharedQuestion(() => this.#learn(0))
  readonly #copy: SharedQuestion | undefined
  #restrictions = new Restrictions()
  /** Since when what is known may have changed: the time of the question that was answered last. */
  #asOf = Number.NEGATIVE_INFINITY
  /** When the copy was read last. */
  #copiedAt = Number.NEGATIVE_INFINITY
  #failedAt = Number.NEGATIVE_INFINITY
  /** When an answer came last. */
  #heardAt = Number.NEGATIVE_INFINITY
  #listener: Listener = NO_LISTENER

  constructor(control: Control, now: () => number) {
    this.#control = control
    this.#now = now
    const { copy } = control
    this.#copy = copy && new SharedQuestion(() => this.#readCopy(copy))
  }

  /** What is known by now, however old. */
  get known(): Restrictions {
    return this.#restrictions
  }

  /**
   * Returns the restrictions as they were at most a second ago: at once if they are known.
   *
   * @throws Fault `control_unavailable`
   */
  current(waitUntil: WaitUntil): Restrictions | Promise<Restrictions> {
    if (this.#isWithin(FRESH, this.#asOf)) return this.#restrictions
    if (this.#isWithin(CURRENT, this.#asOf)) {
      if (!this.#changes.isOpen) waitUntil(this.#changes.ask().catch(() => {}))
      return this.#restrictions
    }
    return this.#obtain()
  }

  /**
   * Returns the restrictions for a stream in flight, which calls this once in {@link LOOK_EVERY} milliseconds. One of the streams
   * has the question open for all. On Workers a request that is ended takes its question with it, so another stream asks as
   * soon as that one calls no more.
   *
   * @param stream says which stream calls
   * @throws Fault `control_unavailable` if nothing was heard for too long
   */
  forStream(stream: object): Restrictions | Promise<Restrictions> {
    const now = this.#now()
    if (this.#listener.stream !== stream && !this.#isWithin(2 * LOOK_EVERY, this.#listener.seen)) {
      this.#listener = { stream, seen: now, isOpen: false }
    }
    const listener = this.#listener
    if (listener.stream === stream) {
      listener.seen = now
      if (!listener.isOpen) {
        listener.isOpen = true
        const closed = () => {
          listener.isOpen = false
        }
        void this.#learn(WAIT).then(closed, closed)
      }
    }
    return this.#isWithin(LAST_KNOWN, this.#heardAt) ? this.#restrictions : this.#obtain()
  }

  /** To be called when a stream ends. */
  left(stream: object): void {
    if (this.#listener.stream === stream) this.#listener = NO_LISTENER
  }

  async #obtain(): Promise<Restrictions> {
    const begun = this.#now()
    // What another request asked before this one came may say nothing of what happened in between: that is a second at most.
    const isCurrent = () =>
      this.#isWithin(CURRENT, this.#asOf, begun) || this.#isWithin(CURRENT, this.#copiedAt, begun)
    if (!this.#isWithin(CURRENT, this.#failedAt)) await this.#changes.obtain(isCurrent).catch(() => {})
    if (isCurrent() || this.#isWithin(LAST_KNOWN, this.#heardAt)) return this.#restrictions
    if (this.#copy === undefined) throw new Fault('control_unavailable')
    await this.#copy.obtain(isCurrent).catch(Fault.as('control_unavailable'))
    return this.#restrictions
  }

  async #learn(wait: number): Promise<void> {
    const asked = this.#now()
    try {
      await this.#readAll(
        (after, wait, mark) => withTimeout(wait + PATIENCE, this.#control.changes(after, wait, mark)),
        wait,
      )
      // An answer says what was true when the question came, or later.
      if (wait === 0) this.#asOf = asked
      this.#heardAt = this.#now()
      this.#failedAt = Number.NEGATIVE_INFINITY
    } catch (error) {
      if (this.#failedAt === Number.NEGATIVE_INFINITY) {
        logFault('which lockdowns are in force is not known, the last state counts', error, NOT_SHOWN)
      }
      this.#failedAt = this.#now()
      throw error
    }
  }

  async #readCopy(copy: NonNullable<Control['copy']>): Promise<void> {
    const asked = this.#now()
    await this.#readAll(copy)
    this.#copiedAt = asked
  }

  /** Takes over what was read when all of it is there: until then, what was known counts. Only the first question waits for a change. */
  async #readAll(
    read: (after: number, wait: number, mark?: string) => Promise<Changes>,
    wait = 0,
  ): Promise<void> {
    const known = this.#restrictions
    let restrictions = known.mayLack(this.#now()) ? new Restrictions() : known
    for (let more = true; more; wait = 0) {
      const { epoch: after, mark } = restrictions
      const page = await read(after, wait, mark)
      // Another answer came first. This one lacks the undoing of what that one brought.
      if (restrictions.epoch !== after) continue
      if (page.restart === true) restrictions = new Restrictions()
      restrictions.apply(page, this.#now())
      more = page.more
    }
    // Another one has begun from the start.
    if (this.#restrictions !== known) return this.#readAll(read)
    this.#restrictions = restrictions
  }

  /**
   * Returns whether something was less than so many milliseconds before a time. What is noted with a time to come was noted before
   * the clock was set back: how old it is can't be known.
   */
  #isWithin(milliseconds: number, noted: number, time = this.#now()): boolean {
    return noted <= this.#now() && time - noted < milliseconds
  }
}
