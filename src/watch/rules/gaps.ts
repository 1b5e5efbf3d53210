import { Generations } from '../engine/generations.ts'
import { IsolateNumbers } from '../engine/isolate-numbers.ts'
import type { Rows } from '../engine/rows.ts'
import { NONE, type Numbered, type Rule, type Sighting, type Watcher } from '../engine/rule.ts'
import { objectOf, stringOf, type WatchedEvent } from '../engine/watched-event.ts'

/** A number that is missing for so long was lost: the spool takes a minute, and a sum of deliveries five. */
const LOST = 6 * 60_000
/** How often all isolates are looked at, by the clock of the records. */
const LOOK = 30_000
/** Records in one go, without one that is not late, after which the clock of the records is set back. */
const LATE = 1_000
const AN_HOUR = 3_600_000

const DAY = 24 * AN_HOUR
/** An isolate is known for a week after it was last stored that it is. */
const KNOWN = { window: 7 * DAY, cap: 1 }
/** A first number that is higher is one of an isolate that is older than the rules are. */
const FIRST = 1_000
/** What the log itself writes has numbers of its own, in the transaction that stores it. */
const OWN = 'log'

/** Records that the gate made and the log lacks: it says so itself, or numbers of an isolate are missing. */
export const missingRecords: Rule = {
  ...{ id: 'RG-030', version: 1, severity: 'high', canSuppress: true },
  title: 'Records are missing from the log',
  kinds: ['gap'],
  group: ['isolate'],
  ...{ window: LOST, threshold: 1 },
  start: () => new Isolates(),
}

interface Isolate {
  readonly numbers: IsolateNumbers
  /** When it was last stored that it is known. */
  stored: number
}

class Isolates implements Watcher {
  readonly #isolates = new Generations<string, Isolate>(2_000)
  /** Those that lack a number. */
  readonly #waiting = new Map<string, Isolate>()
  /** The time of the newest record: what is late must not hold it back. */
  #clock = 0
  #late = 0
  #turn = 0

  look({ said }: WatchedEvent): readonly Sighting[] {
    const { isolate, from, to } = objectOf(said.missing)
    const name = stringOf(isolate) ?? stringOf(objectOf(said.gate).isolate)
    const count = typeof said.count === 'number' ? said.count : 1
    if (name !== undefined && isNumber(from) && isNumber(to))
      this.#isolates.get(name)?.numbers.explain(from, to)
    return [{ group: name === undefined ? {} : { isolate: name }, count, isOfGate: true }]
  }

  numberRows({ isolate, merged }: Numbered): readonly string[] {
    const unknown: string[] = []
    if (this.#isNew(isolate)) unknown.push(rowOf(isolate))
    for (const one of merged) if (this.#isNew(one.isolate)) unknown.push(rowOf(one.isolate))
    return unknown
  }

  number({ isolate, seq, merged, time }: Numbered, rows: Rows | undefined): readonly Sighting[] {
    this.#tick(time)
    this.#add(isolate, [seq], rows)
    for (const one of merged) this.#add(one.isolate, one.seqs, rows)
    // By the records alone, so that a replay looks when it was looked before, and nothing is found twice.
    const turn = Math.floor(this.#clock / LOOK)
    if (turn === this.#turn) return NONE
    this.#turn = turn
    return this.#lookAll()
  }

  #isNew(isolate: string): boolean {
    return isolate !== OWN && this.#isolates.get(isolate) === undefined
  }

  #tick(time: number): void {
    this.#late = time < this.#clock - AN_HOUR ? this.#late + 1 : 0
    // All others agree that the newest one came from a clock that was wrong.
    if (this.#late >= LATE) this.#clock = time
    this.#clock = Math.max(this.#clock, time)
  }

  #add(name: string, seqs: readonly number[], rows: Rows | undefined): void {
    const [first] = seqs
    if (name === OWN || first === undefined) return
    const isolate = this.#isolates.get(name) ?? this.#meet(name, first, rows)
    for (const seq of seqs) isolate.numbers.add(seq, this.#clock)
    if (isolate.numbers.hasHoles) this.#waiting.set(name, isolate)
    if (rows !== undefined && this.#clock - isolate.stored > KNOWN.window / 2) {
      rows.add(rowOf(name), '', this.#clock, KNOWN)
      isolate.stored = this.#clock
    }
  }

  /** Of an isolate that is new, all numbers count; of one that was there before the engine was, those from now on. */
  #meet(name: string, seq: number, rows: Rows | undefined): Isolate {
    const isKnown = rows === undefined || rows.get(rowOf(name)) !== undefined
    const numbers = new IsolateNumbers(isKnown || seq > FIRST ? seq - 1 : 0)
    const isolate = { numbers, stored: isKnown ? this.#clock : 0 }
    this.#isolates.set(name, isolate)
    return isolate
  }

  #lookAll(): readonly Sighting[] {
    const found: Sighting[] = []
    for (const [isolate, { numbers }] of this.#waiting) {
      const count = numbers.takeLost(this.#clock - LOST)
      if (!numbers.hasHoles) this.#waiting.delete(isolate)
      if (count > 0) found.push({ group: { isolate }, count, isOfGate: true })
    }
    return found
  }
}

const ROW = 'RG-030 '
const rowOf = (isolate: string): string => ROW + isolate

/** Returns whether a stored window says that an isolate is known. */
export const isOfIsolate = (key: string): boolean => key.startsWith(ROW)

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value)
