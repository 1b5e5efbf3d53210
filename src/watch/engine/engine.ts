import { present } from '../../base/present.ts'
import type { Detection, Observation, RuleEngine, WatchedRecord, WindowState } from '../detection.ts'
import { RULES } from '../rules/rules.ts'
import { Crowd } from './crowd.ts'
import { Glance } from './glance.ts'
import { Households } from './households.ts'
import { Hash } from './recent-sets.ts'
import { Rows } from './rows.ts'
import type { Numbered, Rule, Sighting, Watcher } from './rule.ts'
import { type WatchedEvent, watchedEvent } from './watched-event.ts'

export interface EngineOptions {
  /** The ids of canary recordings, asked at each record. */
  readonly canaries?: () => ReadonlySet<string>
  /** @defaultValue all of them */
  readonly rules?: readonly Rule[]
  /** Of the hashes in memory. @defaultValue a random number */
  readonly seed?: number
}

/** Groups of a rule that have a finding of their own within a quarter of an hour. A changed owner hits all at once if it isn't one. */
const CROWD = 20
const SMALL_CROWD: ReadonlyMap<string, number> = new Map([['RG-022', 5]])

/** What the rules have of a record: its number, and what it says if a rule can want its kind. */
interface Looked {
  readonly record: WatchedRecord
  readonly numbered: Numbered | undefined
  readonly event: WatchedEvent | undefined
}

interface Running {
  readonly rule: Rule
  readonly watcher: Watcher
}

/** Runs the rules in one process, over the records of the log in their order. */
export class Rules implements RuleEngine {
  /** Those that look at the numbers of records. */
  readonly #numbering: readonly Running[]
  /** Which rules look at the records of a kind. */
  readonly #byKind = new Map<string, readonly Running[]>()
  readonly #rows = new Rows()
  readonly #crowd = new Crowd()
  readonly #households: Households
  /** The records that `needs` has read already. */
  #read: { readonly records: readonly WatchedRecord[]; readonly looked: readonly Looked[] } | undefined
  /** The time of the record before: that of one that says none. */
  #now = 0

  constructor({ canaries = () => NO_CANARIES, rules = RULES, seed = randomSeed() }: EngineOptions = {}) {
    const hash = new Hash(seed)
    this.#households = new Households(hash)
    const tools = { hash, households: this.#households, canaries }
    const all = rules.map(rule => ({ rule, watcher: rule.start(tools) }))
    this.#numbering = all.filter(({ watcher }) => watcher.number !== undefined)
    for (const running of all) {
      for (const kind of running.rule.kinds)
        this.#byKind.set(kind, [...(this.#byKind.get(kind) ?? []), running])
    }
  }

  needs(records: readonly WatchedRecord[]): readonly string[] {
    const looked = records.map(record => this.#look(record))
    this.#read = { records, looked }
    const keys = new Set<string>()
    for (const one of looked) this.#addKeys(keys, one)
    return this.#rows.unknown(keys)
  }

  observe(records: readonly WatchedRecord[], stored: ReadonlyMap<string, WindowState>): Observation {
    const read = this.#read?.records === records ? this.#read.looked : undefined
    this.#read = undefined
    this.#rows.begin(stored)
    const detections: Detection[] = []
    for (const [i, record] of records.entries()) this.#observe(read?.[i] ?? this.#look(record), detections)
    return { detections, windows: this.#rows.end() }
  }

  replay(records: readonly WatchedRecord[]): void {
    for (const record of records) {
      const { numbered, event } = this.#look(record)
      if (numbered !== undefined)
        for (const { watcher } of this.#numbering) watcher.number?.(numbered, undefined)
      if (event === undefined) continue
      this.#households.note(event)
      for (const { rule, watcher } of this.#byKind.get(event.kind) ?? []) {
        // Stored windows have seen these records.
        if (watcher.rows !== undefined) continue
        for (const sighting of watcher.look(event, this.#rows)) this.#groupOf(rule, sighting, event)
      }
    }
  }

  #look(record: WatchedRecord): Looked {
    const glance = new Glance(record.json)
    const { kind } = glance
    // What doesn't look like a record is parsed: it may be one all the same.
    const isWanted = kind === undefined || this.#byKind.has(kind)
    const event = isWanted ? watchedEvent(record, this.#now) : undefined
    this.#now = event?.time ?? glance.recorded ?? this.#now
    return { record, numbered: glance.numbered(this.#now), event }
  }

  #addKeys(keys: Set<string>, { numbered, event }: Looked): void {
    if (numbered !== undefined) {
      for (const { watcher } of this.#numbering)
        for (const key of watcher.numberRows?.(numbered) ?? NO_KEYS) keys.add(key)
    }
    if (event === undefined) return
    for (const { watcher } of this.#byKind.get(event.kind) ?? [])
      for (const key of watcher.rows?.(event) ?? NO_KEYS) keys.add(key)
  }

  #observe({ record, numbered, event }: Looked, detections: Detection[]): void {
    if (numbered !== undefined) {
      for (const { rule, watcher } of this.#numbering) {
        for (const sighting of watcher.number?.(numbered, this.#rows) ?? [])
          detections.push(this.#detection(rule, sighting, record, numbered.time))
      }
    }
    if (event === undefined) return
    this.#households.note(event)
    const running = this.#byKind.get(event.kind) ?? []
    const before = detections.length
    for (const { rule, watcher } of running) {
      for (const sighting of watcher.look(event, this.#rows))
        detections.push(this.#detection(rule, sighting, event, event.time, event))
    }
    if (detections.length === before) return
    const found = detections.slice(before)
    for (const { watcher } of running) watcher.heed?.(found, event, this.#rows)
  }

  #detection(
    rule: Rule,
    sighting: Sighting,
    { id, index }: { readonly id: string; readonly index: number },
    time: number,
    event?: WatchedEvent,
  ): Detection {
    const { severity = rule.severity, count, mayBlock, isOfGate } = sighting
    const { recording = event?.recording, recordings } = sighting
    const { subject, session, release, isProven } = event ?? {}
    return {
      rule: rule.id,
      version: rule.version,
      severity,
      tenant: tenantOf(sighting, event),
      group: this.#groupOf(rule, sighting, event, time),
      record: id,
      index,
      time,
      ...present({
        subject,
        session,
        recording,
        recordings,
        release,
        count,
        mayBlock: isOfGate ? undefined : mayBlock,
      }),
      ...(release !== undefined && isProven === true && { provenRelease: true }),
    }
  }

  #groupOf(
    rule: Rule,
    sighting: Sighting,
    event: WatchedEvent | undefined,
    time: number = event?.time ?? this.#now,
  ): Detection['group'] {
    const most = SMALL_CROWD.get(rule.id) ?? CROWD
    const of = `${rule.id} ${tenantOf(sighting, event)}`
    return this.#crowd.place(of, sighting.group, event?.release, { time, most })
  }
}

/** What is about the gate belongs to the tenant that its own records have. */
function tenantOf({ isOfGate }: Sighting, event: WatchedEvent | undefined): string {
  return isOfGate === true ? 'default' : (event?.tenant ?? 'default')
}

const NO_KEYS: readonly string[] = []
const NO_CANARIES: ReadonlySet<string> = new Set()

/** Not drawn when the module is loaded: Workers have no random numbers then. */
const randomSeed = (): number => crypto.getRandomValues(new Int32Array(1))[0] ?? 0
