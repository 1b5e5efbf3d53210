import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { say } from '../terminal.ts'
import { type Entry, journalOf, lineOf, type Part, readEntries } from './journal-text.ts'
import type { Source } from './sources.ts'

/** What an upload is told from others by. */
export interface Identity {
  /** Where the recording is stored. */
  readonly url: string
  readonly owner: string
  readonly issuer: string | undefined
  /** The file or folder, as an absolute path. */
  readonly source: string
}

/**
 * What of a recording is stored already, in a file of the data folder, so that the same command goes on where an
 * earlier run ended, however it ended. It holds no token and no owner.
 */
export class Journal {
  readonly #file: string
  readonly #entries: Map<Part, Entry>
  /** Each entry as it is written: of thousands, only the new ones are made into text. */
  readonly #lines: Map<Part, string>
  #written: Promise<void> = Promise.resolve()
  #waiting = false
  #broken = false

  private constructor(file: string, entries: Map<Part, Entry>) {
    this.#file = file
    this.#entries = entries
    this.#lines = new Map([...entries].map(([part, entry]) => [part, lineOf(part, entry)]))
  }

  /**
   * Opens the journal of an upload. One that can't be read counts as none.
   *
   * @param anew whether to begin with an empty one
   */
  static async open(data: string, identity: Identity, anew: boolean): Promise<Journal> {
    const { url, owner, issuer, source } = identity
    const key = createHash('sha256').update(JSON.stringify([url, owner, issuer ?? null, source]))
    const file = join(data, 'uploads', `${key.digest('hex').slice(0, 32)}.json`)
    const text = anew ? undefined : await readFile(file, 'utf8').catch(() => undefined)
    const entries = text === undefined ? new Map<Part, Entry>() : readEntries(text)
    if (entries === undefined) say(`${file} is damaged: everything is sent anew`)
    return new Journal(file, entries ?? new Map<Part, Entry>())
  }

  /** What is known of a file, in whatever version it was. */
  of({ part }: Source): Entry | undefined {
    return this.#entries.get(part ?? null)
  }

  /** Notes what is known of a file. Resolves when it is on the disk. */
  note({ part }: Source, entry: Entry | undefined): Promise<void> {
    const key = part ?? null
    if (entry === undefined) {
      this.#entries.delete(key)
      this.#lines.delete(key)
    } else {
      this.#entries.set(key, entry)
      this.#lines.set(key, lineOf(key, entry))
    }
    return this.#keep()
  }

  /** Takes the journal away: all is stored. */
  async remove(): Promise<void> {
    await this.#written
    const folder = dirname(this.#file)
    const names = await readdir(folder).catch(() => [])
    // With what a run that was killed left half written.
    for (const name of names.filter(name => name.startsWith(basename(this.#file)))) {
      await rm(join(folder, name), { force: true })
    }
    await rmdir(folder).catch(() => {})
  }

  /** Many notes that come while one is written are written together. */
  #keep(): Promise<void> {
    if (!this.#waiting) {
      this.#waiting = true
      this.#written = this.#written.then(() => {
        this.#waiting = false
        return this.#write()
      })
    }
    return this.#written
  }

  /** In one step: whoever reads it finds this version or the one before, also after a kill or a power cut. */
  async #write(): Promise<void> {
    const made = `${this.#file}.${process.pid}.new`
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
      const file = await open(made, 'w', 0o600)
      try {
        await file.writeFile(journalOf(this.#lines.values()))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(made, this.#file)
    } catch (error) {
      // The recording is worth more than the journal of it.
      if (!this.#broken)
        say(
          `no journal is kept, as ${this.#file} can't be written (${(error as NodeJS.ErrnoException).code})`,
        )
      this.#broken = true
    }
  }
}
