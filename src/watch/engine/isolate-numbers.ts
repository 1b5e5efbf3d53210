/** Numbers that are missing, from the first to the last, and since when later ones are there. */
interface Hole {
  from: number
  to: number
  readonly since: number
}

/** Most holes that are remembered of an isolate: each is a record that is held, or lost. */
const MAX_HOLES = 10_000

/** Which numbers of an isolate's records have come. Those that are missing below the highest are kept as holes. */
export class IsolateNumbers {
  /** By rising number, and so by rising time. */
  readonly #holes: Hole[] = []
  #highest: number

  /** @param highest a number below which nothing is missed */
  constructor(highest: number) {
    this.#highest = highest
  }

  get hasHoles(): boolean {
    return this.#holes.length > 0
  }

  /** Notes that a record with a number has come. */
  add(number: number, now: number): void {
    if (number > this.#highest) {
      if (number > this.#highest + 1)
        this.#holes.push({ from: this.#highest + 1, to: number - 1, since: now })
      if (this.#holes.length > MAX_HOLES) this.#holes.shift()
      this.#highest = number
      return
    }
    this.#fill(number, number)
  }

  /** Notes that numbers are missing for a reason that is known. */
  explain(from: number, to: number): void {
    this.#fill(from, to)
  }

  /** Returns how many numbers were missing at a time already, and takes them for lost. */
  takeLost(until: number): number {
    let lost = 0
    for (;;) {
      const [first] = this.#holes
      if (first === undefined || first.since > until) return lost
      lost += first.to - first.from + 1
      this.#holes.shift()
    }
  }

  #fill(from: number, to: number): void {
    for (let at = this.#firstEndingFrom(from); ; ) {
      const hole = this.#holes[at]
      if (hole === undefined || hole.from > to) return
      if (hole.from >= from && hole.to <= to) {
        this.#holes.splice(at, 1)
        continue
      }
      if (hole.from < from && hole.to > to)
        this.#holes.splice(at, 0, { from: hole.from, to: from - 1, since: hole.since })
      // What is left of the hole is after the numbers, or before them.
      if (hole.to > to) hole.from = to + 1
      else hole.to = from - 1
      at += 1
    }
  }

  /** The place of the first hole that ends at a number or later. */
  #firstEndingFrom(number: number): number {
    let low = 0
    let high = this.#holes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#holes[middle]?.to ?? number) < number) low = middle + 1
      else high = middle
    }
    return low
  }
}
