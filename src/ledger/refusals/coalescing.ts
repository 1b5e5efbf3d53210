import type { AccessFacts } from '../event.ts'
import type { Observed } from '../head.ts'

/** What the record of a refusal says. Without an id, the record gets a new one. */
export interface RefusalRecord {
  readonly observed: Observed
  readonly facts: AccessFacts
  readonly id?: string
}

/** A refusal that is to be recorded under its own id. */
export interface ObservedRefusal extends RefusalRecord {
  readonly id: string
}

/** How refusals are coalesced. Which ones belong to a run follows from its key, the rest from this. */
export interface Coalescing {
  /** How long the refusals of a run are counted together, in milliseconds. */
  readonly window: number
  /** So many are recorded on their own. */
  readonly single: number
  /** Whether a run records none on its own if it follows a run of more than `single` refusals. */
  readonly goesOn: boolean
  /** Most runs that one isolate knows of. One that it forgets is counted at once. */
  readonly maxRuns: number
  /** Most kinds that one run counts. A refusal of a further kind gets a record of its own. */
  readonly maxKinds: number
  /** Most ids that are kept of the refusals that one kind counts. */
  readonly sample: number
  /** Most recordings whose ids are kept of those that one kind counts, and of those that all runs of a window do. */
  readonly recordings: { readonly ofKind: number; readonly inAll: number }
  /** Names the kind of a refusal: those of one kind are counted together. Undefined for one that is never counted. */
  kindOf(refusal: RefusalRecord): string | undefined
  /** Returns the record that represents further refusals of its run until a time (ISO 8601, UTC). */
  first(refusal: RefusalRecord, until: string): RefusalRecord
  /** Returns the record of the first refusal of a further kind. `of` is the id of the one that represents it. */
  further(refusal: RefusalRecord, of: string, until: string): RefusalRecord
  /** Returns the record of what was counted. */
  total(kind: Kind, of: string): RefusalRecord
}

/** Refusals of a run that are counted together. */
export class Kind {
  /** Resolves when the record of the first one is durable, or can't be made. */
  readonly tried: Promise<unknown>
  /** The last one that was counted. */
  last: RefusalRecord
  /** How many are not on record yet. */
  count = 0
  /** The id of the first one that was counted. */
  firstId: string | undefined
  /** Ids of some that were counted. Each of them had the same chance. */
  readonly sample: string[] = []
  /** The ids of recordings that those were for that were counted: of different ones, the first that came. */
  readonly recordings: Set<string> = new Set()
  #seen = 0

  constructor(first: RefusalRecord, tried: Promise<unknown>) {
    this.last = first
    this.tried = tried
  }

  /** Counts refusals that were answered with one id. */
  add(refusal: ObservedRefusal, count: number, { sample: most, recordings }: Kept): void {
    this.last = refusal
    this.count += count
    this.firstId ??= refusal.id
    this.#seen += 1
    const place = this.#seen <= most ? this.sample.length : Math.floor(Math.random() * this.#seen)
    if (place < most) this.sample[place] = refusal.id
    const { recording } = refusal.observed
    if (recording !== undefined) recordings.keep(recording, this.recordings)
  }
}

/** How much a kind keeps of what it counts. */
export interface Kept {
  /** Most ids of refusals. */
  readonly sample: number
  readonly recordings: RecordingIds
}

/** Bounds the ids of recordings that are kept: floods from many networks must not fill the memory of an isolate. */
export class RecordingIds {
  readonly #coalescing: Pick<Coalescing, 'recordings' | 'window'>
  readonly #now: () => number
  #since = Number.NEGATIVE_INFINITY
  #kept = 0

  constructor(coalescing: Pick<Coalescing, 'recordings' | 'window'>, now: () => number) {
    this.#coalescing = coalescing
    this.#now = now
  }

  /** Adds an id to those of a kind if there is room for it. */
  keep(id: string, ids: Set<string>): void {
    const { recordings, window } = this.#coalescing
    if (ids.size >= recordings.ofKind || ids.has(id)) return
    const now = this.#now()
    if (now - this.#since >= window) {
      this.#since = now
      this.#kept = 0
    }
    if (this.#kept >= recordings.inAll) return
    this.#kept += 1
    ids.add(id)
  }
}
