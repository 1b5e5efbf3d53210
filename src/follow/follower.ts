import { logToOperator } from '../base/operator.ts'
import { withTimeout } from '../base/timeout.ts'
import { parseEvent, recordedAt } from '../ledger/query/terms.ts'
import { type DeliveryFailure, pauseAfter, type Receiver } from './delivery.ts'
import type { FollowedLog } from './followed-log.ts'
import { type PendingRecord, Round } from './round.ts'
import type { FollowerState, FollowerStates } from './states.ts'

/** What a follower works with. */
export interface FollowerServices {
  readonly log: FollowedLog
  readonly states: FollowerStates
  readonly now: () => number
  readonly random: () => number
}

/** How far a follower is. */
export interface FollowerStatus extends Omit<FollowerState, 'failures'> {
  /** How many records of the log it has not handed over, those that it leaves out included. */
  readonly behind: number
  /** How old the first of them is, in seconds. */
  readonly behind_s: number
  readonly deadLetters: number
}

/** How long the log and the states may take, in milliseconds. */
const PATIENCE = 30_000
/** How many records are read together. */
const PAGE = 500
/** Most pages that are read for one batch. */
const MAX_PAGES = 20
/** Records that are left out advance the stored state only after so many: most of them change nothing that matters. */
const STRIDE = 1_000
/** A batch takes no further record after so many characters. Rendered they are up to five times as many. */
const FULL_BATCH = 256 * 1024
/** A record that was refused so often is given up, if the receiver has taken others meanwhile. */
const TRIES = 3
/** Most dead letters that are handed over again at once. */
const MAX_AGAIN = 1_000

/**
 * Reads the log in order and hands it over. State is stored after records were taken: a crash in between hands them over
 * again, and never leaves one out.
 *
 * A receiver that is down loses nothing, however long: its records are in the log. A record that it refuses becomes a dead
 * letter only if it takes another one after that. So no receiver that refuses everything empties the log into dead letters.
 */
export class Follower {
  readonly #receiver: Receiver
  readonly #services: FollowerServices
  readonly #from: () => Promise<number>
  #state: FollowerState | undefined
  #pending: PendingRecord[] = []
  /** Up to where the log was read. */
  #readTo = 0
  #collectedSince = 0
  #taken = 0
  #rewindTo: number | undefined

  /** @param from returns the index at which a follower without a state begins */
  constructor(receiver: Receiver, services: FollowerServices, from: () => Promise<number>) {
    this.#receiver = receiver
    this.#services = services
    this.#from = from
  }

  get name(): string {
    return this.#receiver.name
  }

  /**
   * Hands one batch over, if there is one.
   *
   * @returns when there is something to do again, in milliseconds since 1970; undefined if the log has nothing more
   * @throws whatever the log or the states fail with
   */
  async step(): Promise<number | undefined> {
    const { now } = this.#services
    const state = await this.#load()
    if (state.retryAt !== undefined && state.retryAt > now()) return state.retryAt
    this.#rewind()
    const { most, collect } = this.#receiver
    let more = await this.#refill(most)
    for (let i = 0; more && this.#pending.length < most && i < MAX_PAGES; i++) more = await this.#refill(most)
    if (this.#pending.length === 0) {
      if (this.#readTo - state.index >= STRIDE) await this.#save({ ...state, index: this.#readTo })
      return more ? now() : undefined
    }
    const isFull = more || this.#pending.length >= most || state.failures > 0
    if (!isFull && now() < this.#collectedSince + collect) return this.#collectedSince + collect
    const batch = batchOf(this.#pending, most)
    const round = new Round(this.#receiver, batch, this.#taken)
    await round.run()
    await this.#conclude(round, state)
    const { retryAt } = await this.#load()
    return retryAt ?? now()
  }

  /** Returns how far it is. */
  async status(): Promise<FollowerStatus> {
    const { log, states, now } = this.#services
    const { failures: _, ...state } = await this.#load()
    const index =
      this.#rewindTo ??
      this.#pending.find(({ wasDead }) => !wasDead)?.entry.index ??
      Math.max(this.#readTo, state.index)
    const { entries, size } = await this.#limited(log.readFrom(index, 1))
    const [first] = entries
    return {
      ...state,
      index,
      behind: size - index,
      behind_s:
        first === undefined
          ? 0
          : Math.max(0, Math.round((now() - recordedAt(parseEvent(first.json))) / 1000)),
      deadLetters: await this.#limited(states.countDeadLetters(this.name)),
    }
  }

  /** Has it begin again at an index, at once. Resolves when that is durable. */
  async rewind(index: number): Promise<void> {
    this.#rewindTo = index
    await this.#retry(index)
  }

  /** Has it hand its dead letters over again, at once, as many as are returned. One that is refused again stays one. */
  async resendDead(): Promise<number> {
    const { states, log } = this.#services
    const letters = await this.#limited(states.deadLetters(this.name, MAX_AGAIN))
    const entries = await Promise.all(letters.map(({ index }) => this.#limited(log.readFrom(index, 1))))
    const records = entries.flatMap(({ entries: [entry] }) => {
      const selected = entry && this.#receiver.select(entry)
      return selected === undefined ? [] : [{ entry: selected, wasDead: true as const }]
    })
    const waiting = new Set(this.#pending.map(({ entry }) => entry.index))
    this.#pending.unshift(...records.filter(({ entry }) => !waiting.has(entry.index)))
    await this.#retry((await this.#load()).index)
    return records.length
  }

  /**
   * Takes note of what came of a test: a receiver that took it has just shown that it works, so a pause ends.
   *
   * @param failure why the test was not taken, without a secret
   */
  async noteTest(failure?: string): Promise<void> {
    const state = await this.#load()
    const at = this.#services.now()
    if (failure !== undefined) return this.#save({ ...state, lastError: { at, message: failure } })
    const { retryAt: _, ...rest } = state
    await this.#save({ ...rest, lastSuccess: at, failures: 0 })
  }

  async #retry(index: number): Promise<void> {
    const { retryAt: _, ...state } = await this.#load()
    await this.#save({ ...state, index, failures: 0 })
  }

  #rewind(): void {
    if (this.#rewindTo === undefined) return
    this.#pending = this.#pending.filter(({ wasDead }) => wasDead)
    this.#readTo = this.#rewindTo
    this.#rewindTo = undefined
  }

  async #load(): Promise<FollowerState> {
    if (this.#state !== undefined) return this.#state
    const stored = await this.#limited(this.#services.states.load(this.name))
    const state = stored ?? { index: await this.#from(), failures: 0 }
    // Without it, a follower that begins at the end would begin later after a crash.
    if (stored === undefined) await this.#save(state)
    this.#readTo = state.index
    this.#state ??= state
    return this.#state
  }

  /** Reads on if there is room. Returns whether the log has more. */
  async #refill(most: number): Promise<boolean> {
    if (this.#pending.length >= most) return true
    const { entries, size } = await this.#limited(this.#services.log.readFrom(this.#readTo, PAGE))
    const selected = entries.flatMap(entry => this.#receiver.select(entry) ?? [])
    if (this.#pending.length === 0) this.#collectedSince = this.#services.now()
    this.#pending.push(...selected.map(entry => ({ entry })))
    // Not by their number: the archive may have removed what was before them.
    this.#readTo = (entries.at(-1)?.index ?? this.#readTo - 1) + 1
    return entries.length > 0 && this.#readTo < size
  }

  /** Stores what became of a batch. */
  async #conclude({ taken, failure }: Round, before: FollowerState): Promise<void> {
    const { now, states, random } = this.#services
    this.#taken += taken
    const over = this.#pending.filter(record => record.isTaken || isDead(record, this.#taken))
    this.#pending = this.#pending.filter(record => !over.includes(record))
    const dead = over.flatMap(({ entry: { index, id }, isTaken, refused }) =>
      isTaken || refused === undefined ? [] : [{ index, id, reason: refused.reason, time: now() }],
    )
    const raised = over.filter(({ wasDead, isTaken }) => wasDead && isTaken).map(({ entry }) => entry.index)
    if (raised.length > 0) await this.#limited(states.bury(this.name, raised))
    // A test may have come out since the batch was begun.
    const { lastSuccess, lastError } = this.#state ?? before
    const index = this.#rewindTo ?? this.#pending.find(({ wasDead }) => !wasDead)?.entry.index ?? this.#readTo
    const failures = failure === undefined ? 0 : (taken > 0 ? 0 : before.failures) + 1
    this.#report(failure, before, dead.length)
    await this.#save(
      {
        index,
        failures,
        ...(taken > 0 ? { lastSuccess: now() } : lastSuccess !== undefined && { lastSuccess }),
        ...(failure !== undefined
          ? {
              lastError: { at: now(), message: failure.message },
              retryAt: now() + pauseAfter(failure, failures, random),
            }
          : lastError !== undefined && { lastError }),
      },
      dead,
    )
  }

  /** Says what the operator must know: once when it begins to fail, once when it goes on. */
  #report(failure: DeliveryFailure | undefined, { failures }: FollowerState, dead: number): void {
    const about = `the sink ${JSON.stringify(this.name)}`
    if (dead > 0)
      logToOperator(`${about} gave up ${dead} records as dead letters: "mediaward sinks" has the reasons`)
    if (failure !== undefined && failures === 0) {
      logToOperator(`${about} is not taking records, which wait in the log: ${failure.message}`)
    }
    if (failure === undefined && failures > 0) logToOperator(`${about} takes records again`)
  }

  async #save(state: FollowerState, dead: Parameters<FollowerStates['save']>[2] = []): Promise<void> {
    // Of the new state even if storing it fails: what was handed over is not handed over again for that.
    this.#state = state
    await this.#limited(this.#services.states.save(this.name, state, dead))
  }

  #limited<Value>(work: Promise<Value>): Promise<Value> {
    return withTimeout(PATIENCE, work)
  }
}

const isDead = ({ refused }: PendingRecord, taken: number): boolean =>
  refused !== undefined && refused.count >= TRIES && taken > refused.takenBefore

function batchOf(pending: readonly PendingRecord[], most: number): readonly PendingRecord[] {
  let size = 0
  const tooMany = pending.findIndex(({ entry }, i) => {
    size += entry.json.length
    return i > 0 && (i >= most || size > FULL_BATCH)
  })
  return tooMany === -1 ? pending : pending.slice(0, tooMany)
}
