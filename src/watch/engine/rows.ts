import type { WindowState } from '../detection.ts'
import { Generations } from './generations.ts'
import type { Counted } from './recent-sets.ts'

/** Rows that are known by heart, in one of two generations. */
const KNOWN = 4_096

/** How a window that is stored is counted. */
export interface LongWindow {
  /** In milliseconds. */
  readonly window: number
  /** Most members that are stored. */
  readonly cap: number
  /** How exactly it is known when a member was last seen. @defaultValue a twenty-fourth of the window */
  readonly grain?: number
}

/**
 * The stored windows, as rules see them: a bounded number of them known by heart, also those that are known not to be there.
 * What changes is known at once, so that the records of one batch see each other.
 */
export class Rows {
  readonly #known = new Generations<string, WindowState | null>(KNOWN)
  /** What the next batch is going to ask for, however many others are known. */
  readonly #pinned = new Map<string, WindowState | null>()
  readonly #changed = new Map<string, WindowState>()
  #stored: ReadonlyMap<string, WindowState> = new Map()

  /** Returns those of some keys that aren't known. */
  unknown(keys: ReadonlySet<string>): readonly string[] {
    this.#pinned.clear()
    const asked: string[] = []
    for (const key of keys) {
      const known = this.#known.get(key)
      if (known === undefined) asked.push(key)
      else this.#pinned.set(key, known)
    }
    return asked
  }

  /** Begins a batch. */
  begin(stored: ReadonlyMap<string, WindowState>): void {
    this.#stored = stored
    this.#changed.clear()
  }

  /** Ends a batch, and returns what changed in it. */
  end(): readonly WindowState[] {
    const changed = [...this.#changed.values()]
    this.#pinned.clear()
    this.#changed.clear()
    this.#stored = new Map()
    return changed
  }

  get(key: string): WindowState | undefined {
    const known = this.#changed.get(key) ?? this.#pinned.get(key) ?? this.#known.get(key)
    if (known !== undefined) return known ?? undefined
    const stored = this.#stored.get(key)
    this.#known.set(key, stored ?? null)
    return stored
  }

  set(state: WindowState): void {
    this.#known.set(state.key, state)
    this.#changed.set(state.key, state)
  }

  /** Adds a member to a window at a time. A member that is there is stored again only if it was seen a good while ago. */
  add(key: string, member: string, time: number, { window, cap, grain = window / 24 }: LongWindow): Counted {
    const { members = [] } = this.get(key) ?? {}
    const newest = members.reduce((latest, [, seen]) => Math.max(latest, seen), 0)
    // It waited in a spool for longer than the window.
    if (time <= newest - window) return { count: 1, isNew: false }
    const now = Math.max(newest, time)
    const recent = members.filter(([, seen]) => seen > now - window)
    const known = recent.find(([name]) => name === member)
    if (known !== undefined && time - known[1] <= grain) return { count: recent.length, isNew: false }
    const others = recent.filter(one => one !== known)
    const isFull = others.length >= cap
    // A flood of different members would store the row for each.
    if (isFull && time - newest <= grain) return { count: cap, isNew: known === undefined }
    const kept = isFull ? others.toSorted(([, one], [, other]) => other - one).slice(0, cap - 1) : others
    const next: WindowState['members'] = [...kept, [member, time]]
    this.set({ key, members: next, expires: now + window })
    return { count: next.length, isNew: known === undefined }
  }
}
