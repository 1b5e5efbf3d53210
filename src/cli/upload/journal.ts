import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { stringMember } from '../json.ts'
import { messageOf, say } from '../terminal.ts'
import {
  type JournalEntry,
  type PartKey,
  parseJournal,
  serializeEntry,
  serializeJournal,
} from './journal-format.ts'
import type { FileVersion } from './source-file.ts'
import type { Source } from './sources.ts'

/** The facts that distinguish one upload from another. */
export interface UploadIdentity {
  /** Address of the recording. */
  readonly url: string
  readonly owner: string
  readonly issuer: string | undefined
  /** The file or folder, as an absolute path. */
  readonly source: string
}

/** Which journal to open. */
export interface JournalOptions {
  /** The data folder. */
  readonly data: string
  readonly identity: UploadIdentity
  /** Whether to ignore what earlier runs stored. The uploads in pieces that they started are abandoned. */
  readonly restart: boolean
}

/**
 * Records what of a recording is stored, in a file of the data folder, so that the same command resumes an earlier run,
 * however that run ended. The file contains no token and no owner.
 */
export class Journal {
  readonly #file: string
  readonly #entries: Map<PartKey, JournalEntry>
  /** Each entry as JSON, so that a note serializes one entry and not thousands. */
  readonly #lines: Map<PartKey, string>
  #written: Promise<void> = Promise.resolve()
  #isWaiting = false
  #isBroken = false

  private constructor(file: string, entries: Map<PartKey, JournalEntry>) {
    this.#file = file
    this.#entries = entries
    this.#lines = new Map([...entries].map(([part, entry]) => [part, serializeEntry(part, entry)]))
  }

  /** Opens the journal of an upload. A journal that can't be read counts as empty. */
  static async open({ data, identity, restart }: JournalOptions): Promise<Journal> {
    const { url, owner, issuer, source } = identity
    const key = createHash('sha256').update(JSON.stringify([url, owner, issuer ?? null, source]))
    const file = join(data, 'uploads', `${key.digest('hex').slice(0, 32)}.json`)
    const json = await readFile(file, 'utf8').catch(() => undefined)
    const entries = json === undefined ? new Map<PartKey, JournalEntry>() : parseJournal(json)
    if (entries === undefined) say(`${file} is damaged: sending everything again`)
    const known = entries ?? new Map<PartKey, JournalEntry>()
    return new Journal(file, restart ? outdate(known) : known)
  }

  /** Returns what is known of a file, whatever its version was. */
  entryOf({ part }: Source): JournalEntry | undefined {
    return this.#entries.get(part ?? null)
  }

  /** Notes what is known of a file; undefined if nothing is. Resolves when the note is on the disk. */
  note({ part }: Source, entry: JournalEntry | undefined): Promise<void> {
    const key = part ?? null
    if (entry === undefined) {
      this.#entries.delete(key)
      this.#lines.delete(key)
    } else {
      this.#entries.set(key, entry)
      this.#lines.set(key, serializeEntry(key, entry))
    }
    return this.#save()
  }

  /** Removes the journal, once everything is stored. */
  async remove(): Promise<void> {
    await this.#written
    const folder = dirname(this.#file)
    const names = await readdir(folder).catch(() => [])
    // Includes the files that killed runs left unfinished.
    for (const name of names.filter(name => name.startsWith(basename(this.#file)))) {
      await rm(join(folder, name), { force: true })
    }
    await rmdir(folder).catch(() => {})
  }

  /** Writes together all notes that arrive while an earlier write is in progress. */
  #save(): Promise<void> {
    if (!this.#isWaiting) {
      this.#isWaiting = true
      this.#written = this.#written.then(() => {
        this.#isWaiting = false
        return this.#write()
      })
    }
    return this.#written
  }

  /** Replaces the file in one step, so that a kill or a power cut leaves either this version or the one before. */
  async #write(): Promise<void> {
    const temporary = `${this.#file}.${process.pid}.new`
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 })
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(serializeJournal(this.#lines.values()))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#file)
    } catch (error) {
      // The upload continues: the recording matters more than its journal.
      if (!this.#isBroken) {
        const reason = stringMember(error, 'code') ?? messageOf(error)
        say(`${this.#file} can't be written (${reason}): an interrupted run will start from the beginning`)
      }
      this.#isBroken = true
    }
  }
}

/** A version that no file has. */
const NO_VERSION: FileVersion = { size: -1, modified: 0, changed: 0 }

/**
 * Returns only the uploads in pieces, of a version that no file has. Each is then abandoned before another one starts:
 * a store charges for pieces until they are abandoned.
 */
function outdate(entries: ReadonlyMap<PartKey, JournalEntry>): Map<PartKey, JournalEntry> {
  const outdated = new Map<PartKey, JournalEntry>()
  for (const [part, entry] of entries) {
    if (entry.state === 'started') outdated.set(part, { ...entry, version: NO_VERSION })
  }
  return outdated
}
