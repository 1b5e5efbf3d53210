import { closeSync, type Stats } from 'node:fs'
// The timers of Deno 2.5 itself have no `unref`.
import { setTimeout } from 'node:timers'
import { openRegular } from './regular-file.ts'

/** A file that one reader has open. */
export interface OpenFile {
  readonly descriptor: number
  /** The file's state when it was opened. */
  readonly stats: Stats
  /** Ends the reading. Must be called once; further calls do nothing. */
  release(): void
  /** Must be called if the file has changed: the next reader opens it again. */
  forget(): void
}

interface Entry {
  readonly path: string
  readonly descriptor: number
  readonly stats: Stats
  readers: number
}

/** How many files stay open without a reader. */
const MAX_IDLE = 64
/** How long they stay open, in milliseconds. Until then, a deleted file still occupies the disk. */
const IDLE_TIME = 5_000

/**
 * Shares open files between readers. A player asks for one part of a recording after the other, so a file stays open
 * for a while after its last reader.
 */
export class OpenFiles {
  readonly #entries = new Map<string, Entry>()
  /** The entries without a reader, the one that has been idle the longest first. */
  readonly #idle = new Set<Entry>()
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Opens a file for one more reader. Returns null if it doesn't exist. */
  open(path: string): OpenFile | null {
    let entry = this.#entries.get(path)
    if (entry === undefined) {
      const opened = openRegular(path)
      if (opened === null) return null
      entry = { ...opened, path, readers: 0 }
      this.#entries.set(path, entry)
    }
    entry.readers += 1
    this.#idle.delete(entry)
    const reading = entry
    let released = false
    return {
      descriptor: entry.descriptor,
      stats: entry.stats,
      release: () => {
        // A second release would close the file under another reader.
        if (!released) this.#release(reading)
        released = true
      },
      forget: () => this.#forget(reading),
    }
  }

  /** Must be called when a file is replaced: its readers keep the old one, the next reader opens the new one. */
  forget(path: string): void {
    const entry = this.#entries.get(path)
    if (entry !== undefined) this.#forget(entry)
  }

  #release(entry: Entry): void {
    entry.readers -= 1
    if (entry.readers > 0) return
    if (this.#entries.get(entry.path) !== entry) {
      closeSync(entry.descriptor)
      return
    }
    this.#idle.add(entry)
    for (const oldest of this.#idle) {
      if (this.#idle.size <= MAX_IDLE) break
      this.#forget(oldest)
    }
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#closeIdle(), IDLE_TIME)
    this.#timer.unref()
  }

  #closeIdle(): void {
    this.#timer = undefined
    for (const entry of this.#idle) this.#forget(entry)
  }

  /** Drops a file. An idle one is closed now, any other by its last reader. */
  #forget(entry: Entry): void {
    if (this.#entries.get(entry.path) !== entry) return
    this.#entries.delete(entry.path)
    if (this.#idle.delete(entry)) closeSync(entry.descriptor)
  }
}
