import { Generations } from './generations.ts'

/** How many different members a group has in a window, and whether a member is one that it didn't have. */
export interface Counted {
  readonly count: number
  readonly isNew: boolean
}

/** A set: a member's hash and when it was last seen, then those of the next one. */
type Entry = number[]

/**
 * Hashes strings to 53 bits, for groups, and to 32, for members. The seed is another one in each process, so that no caller
 * can choose names that are taken for one.
 */
export class Hash {
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  /** Of two that differ, one in nine thousand million million has the same. */
  long(value: string): number {
    let a = this.#seed ^ 0xdeadbeef
    let b = this.#seed ^ 0x41c6ce57
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      a = Math.imul(a ^ code, 2654435761)
      b = Math.imul(b ^ code, 1597334677)
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
    return 4294967296 * (2097151 & b) + (a >>> 0)
  }

  /** Of the at most 200 members of a set, two have the same once in two hundred thousand sets; a count is one too low then. */
  short(value: string): number {
    return this.long(value) % 4294967291
  }
}

/**
 * Which different members each of many groups had within a window. Sets are exact up to a cap, which is all that a threshold
 * needs, and there is room for a bounded number of groups.
 */
export class RecentSets {
  readonly #window: number
  readonly #cap: number
  readonly #sets: Generations<number, Entry>

  /**
   * @param window in milliseconds; a member that was seen so long before another one isn't in one window with it
   * @param cap most members that are counted
   * @param groups most groups in one of two generations
   */
  constructor(window: number, cap: number, groups: number) {
    this.#window = window
    this.#cap = cap
    this.#sets = new Generations(groups)
  }

  /** Adds a member at a time, in milliseconds since 1970. */
  add(group: number, member: number, time: number): Counted {
    const set = this.#sets.get(group)
    if (set === undefined) {
      this.#sets.set(group, [member, time])
      return { count: 1, isNew: true }
    }
    const newest = newestOf(set)
    // What waited in a spool comes after records that are newer. It is counted with its likes, and no newer one is forgotten.
    if (time <= newest - this.#window) return group < 0 ? NOTHING : this.add(-1 - group, member, time)
    const isNew = this.#put(set, member, time, Math.max(newest, time) - this.#window)
    return { count: time >= newest ? set.length / 2 : this.#around(set, time), isNew }
  }

  /** Returns whether a group had a member within the window before a time. */
  has(group: number, member: number, time: number): boolean {
    const set = this.#sets.get(group) ?? []
    for (let i = 0; i < set.length; i += 2) {
      if (set[i] === member && Math.abs(time - (set[i + 1] ?? 0)) < this.#window) return true
    }
    return false
  }

  /** Returns how many members a group had within the window before a time. */
  size(group: number, time: number): number {
    const set = this.#sets.get(group) ?? []
    let size = 0
    for (let i = 1; i < set.length; i += 2) if (Math.abs(time - (set[i] ?? 0)) < this.#window) size += 1
    return size
  }

  /** Puts a member into a set, and takes out what is too old. Returns whether it was not there. */
  #put(set: Entry, member: number, time: number, tooOld: number): boolean {
    let isNew = true
    let kept = 0
    for (let i = 0; i < set.length; i += 2) {
      const [hash = 0, seen = 0] = [set[i], set[i + 1]]
      if (seen <= tooOld) continue
      const isSame = hash === member
      if (isSame) isNew = false
      set[kept] = hash
      set[kept + 1] = isSame ? Math.max(seen, time) : seen
      kept += 2
    }
    set.length = kept
    if (!isNew) return false
    if (kept >= 2 * this.#cap) set.splice(oldestOf(set), 2)
    set.push(member, time)
    return true
  }

  /** Most members in one window that holds a time. */
  #around(set: Entry, time: number): number {
    const times = set.filter((_, i) => i % 2 === 1)
    const counts = times
      .filter(start => start <= time && time < start + this.#window)
      .map(start => times.filter(one => one >= start && one < start + this.#window).length)
    return Math.max(1, ...counts)
  }
}

const NOTHING: Counted = { count: 1, isNew: false }

function newestOf(set: Entry): number {
  let newest = 0
  for (let i = 1; i < set.length; i += 2) newest = Math.max(newest, set[i] ?? 0)
  return newest
}

/** Where in a set its oldest member is. */
function oldestOf(set: Entry): number {
  let oldest = 0
  for (let i = 2; i < set.length; i += 2) if ((set[i + 1] ?? 0) < (set[oldest + 1] ?? 0)) oldest = i
  return oldest
}
