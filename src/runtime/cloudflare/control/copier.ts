import type { StoredChange } from '../../../control/restriction.ts'
import type { ControlTable } from '../../sqlite/control/control-table.ts'
import { type ControlCopy, endOf, FULL } from './control-copy.ts'

/** After so many further objects they are merged. */
const MANY = 50
/** Most changes of one object. */
const MAX_CHANGES = 10_000

/** Writes what the table has and the copy lacks. First it takes over what the copy has and the table lacks. */
export class Copier {
  readonly #table: ControlTable
  readonly #copy: ControlCopy
  #running: Promise<void> | undefined
  /** Whether the table has all that the copy has. */
  #isCompared = false
  /** How many objects were written since the last merging. After a start it is how many there are. */
  #objects = 0

  constructor(table: ControlTable, copy: ControlCopy) {
    this.#table = table
    this.#copy = copy
  }

  /** Whether the table has all that the copy has. */
  get isCompared(): boolean {
    return this.#isCompared
  }

  /** Resolves when the copy has all changes that were made before the call. */
  run(): Promise<void> {
    if (this.#isCompared && !this.#isBehind()) return Promise.resolve()
    this.#running ??= this.#run()
    return this.#running
  }

  /** One at a time. */
  async #run(): Promise<void> {
    const table = this.#table
    try {
      if (!this.#isCompared) await this.#compare()
      while (this.#isBehind()) {
        const { changes, end } = this.#next(table.copied, table.epoch)
        await this.#copy.write(changes, end)
        table.setCopied(end)
        this.#objects += 1
        if (this.#objects > MANY) await this.#merge()
      }
    } finally {
      // In one step with the last look: a change in between would wait for the next one.
      this.#running = undefined
    }
  }

  #isBehind(): boolean {
    return this.#table.copied < this.#table.epoch
  }

  /** The tables may have been set back to an earlier state, or emptied. */
  async #compare(): Promise<void> {
    const table = this.#table
    const { copied } = table
    const { changes, end } = await this.#copy.read(copied)
    this.#objects = (await this.#copy.list(0)).length
    const hasOwn = table.epoch > copied
    await table.takeOver(changes, end)
    if (end > copied && hasOwn) {
      // Changes of both have the same epochs: the table has all of them now.
      await this.#rewrite(0)
    }
    if (table.copied < end) table.setCopied(end)
    this.#isCompared = true
  }

  /** Merges the small objects at the end; all of them, if too much in the large ones has ended. */
  async #merge(): Promise<void> {
    const objects = await this.#copy.list(0)
    const firstSmall = objects.findIndex(({ size }) => size < FULL)
    const full = objects.slice(0, firstSmall === -1 ? objects.length : firstSmall)
    const last = full.at(-1)
    const size = full.reduce((sum, object) => sum + object.size, 0)
    await this.#rewrite(last === undefined || size > 2 * this.#table.storedSize + FULL ? 0 : endOf(last))
  }

  /** Replaces the objects after one that ends with an epoch. */
  async #rewrite(from: number): Promise<void> {
    const before = await this.#copy.list(from)
    const last = this.#table.epoch
    const ends = new Set<number>()
    for (let after = from; after < last; ) {
      const { changes, end } = this.#next(after, last)
      await this.#copy.write(changes, end)
      ends.add(end)
      after = end
    }
    this.#table.setCopied(last)
    await this.#copy.remove(before.filter(object => !ends.has(endOf(object))))
    this.#objects = 0
  }

  /** Returns as many changes after an epoch as one object has. */
  #next(after: number, last: number): { readonly changes: readonly StoredChange[]; readonly end: number } {
    const stored = this.#table.stored(after, MAX_CHANGES + 1)
    let size = 0
    let count = 0
    for (; count < stored.length && count < MAX_CHANGES && size < FULL; count++) {
      size += JSON.stringify(stored[count]).length
    }
    const changes = stored.slice(0, count)
    return { changes, end: count < stored.length ? (changes.at(-1)?.epoch ?? last) : last }
  }
}
