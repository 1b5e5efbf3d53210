import { say } from '../terminal.ts'
import { GatePart, isConflict } from './gate-part.ts'
import type { Journal } from './journal.ts'
import type { StartedEntry } from './journal-format.ts'
import type { UploadSession } from './session.ts'
import { digestRange, isSameVersion, requireVersion, SourceChanged } from './source-file.ts'
import type { Source } from './sources.ts'

/** The largest file that is sent in one request, in bytes. Proxies and platforms refuse bodies over 100 MB. */
export const MAX_WHOLE: number = 32 * 1024 * 1024

/** Stores one file: skips it, sends it whole, or sends it in pieces, and notes each step in the journal. */
export class FileUpload {
  readonly #source: Source
  readonly #session: UploadSession
  readonly #journal: Journal
  readonly #part: GatePart

  constructor(source: Source, session: UploadSession, journal: Journal) {
    this.#source = source
    this.#session = session
    this.#journal = journal
    this.#part = new GatePart(source, session)
  }

  /**
   * Stores the file, unless an earlier run has stored it.
   *
   * @returns whether an earlier run has
   * @throws GateRefusal
   * @throws Unreachable
   * @throws SourceChanged
   */
  async store(): Promise<boolean> {
    const { version } = this.#source
    const known = this.#journal.entryOf(this.#source)
    const isCurrent = known !== undefined && isSameVersion(known.version, version)
    if (isCurrent && known.state === 'stored') return this.#skip()
    // Pieces of another version can't be used.
    if (known?.state === 'started' && !isCurrent) await this.#abandon(known)
    if (version.size > MAX_WHOLE) {
      await this.#storeInPieces()
      return false
    }
    // A file that was only touched, or copied again, has the content that is stored.
    return this.#storeWhole(known?.state === 'stored' ? known.sha256 : undefined)
  }

  /** @param storedSha256 digest of the content that an earlier run stored */
  async #storeWhole(storedSha256: string | undefined): Promise<boolean> {
    const { path, version } = this.#source
    const range = { path, version, first: 0, size: version.size }
    const sha256 = await digestRange(range)
    const isStored = sha256 === storedSha256
    if (isStored) this.#skip()
    else await this.#part.storeWhole({ range, sha256 })
    await this.#journal.note(this.#source, { state: 'stored', version, sha256 })
    return isStored
  }

  /** Resumes an upload in pieces. If the gate no longer has it, starts another one, once. */
  async #storeInPieces(): Promise<void> {
    try {
      await this.#startOrResume()
    } catch (error) {
      const started = this.#started()
      if (!isConflict(error) || started === undefined) throw error
      say(`${this.#source.path}: the gate no longer has the upload that was started: sending the file again`)
      this.#session.progress.add(-storedBytes(started))
      await this.#journal.note(this.#source, undefined)
      await this.#startOrResume()
    }
  }

  async #startOrResume(): Promise<void> {
    const { path, version } = this.#source
    const started = this.#started() ?? (await this.#start())
    // Before the first piece: the store would keep, and charge for, an upload that no journal knows of.
    await this.#journal.note(this.#source, started)
    this.#session.progress.skip(storedBytes(started))
    try {
      const complete = await this.#storeMissingPieces(started)
      // Each piece was of this version when it was read. So is the whole file, because a version can't come back.
      await requireVersion(path, version)
      await this.#complete(complete)
    } catch (error) {
      if (error instanceof SourceChanged) await this.#abandon(started)
      throw error
    }
    await this.#journal.note(this.#source, { state: 'stored', version })
  }

  async #start(): Promise<StartedEntry> {
    const { version } = this.#source
    return { state: 'started', version, ...(await this.#part.start()), pieces: [] }
  }

  async #storeMissingPieces(started: StartedEntry): Promise<StartedEntry> {
    const { upload, pieceSize, version } = started
    const numbers = Array.from({ length: Math.ceil(version.size / pieceSize) }, (_, number) => number)
    let latest = started
    const missing = numbers.filter(number => typeof started.pieces[number] !== 'string')
    await this.#session.forEach(missing, async number => {
      const name = await this.#part.storePiece(upload, number * pieceSize, sizeOfPiece(started, number))
      latest = { ...latest, pieces: numbers.map(n => (n === number ? name : (latest.pieces[n] ?? null))) }
      await this.#journal.note(this.#source, latest)
    })
    return latest
  }

  async #complete(started: StartedEntry): Promise<void> {
    await this.#journal.note(this.#source, { ...started, completing: true })
    const pieces = started.pieces.filter(name => name !== null)
    try {
      await this.#part.complete(started.upload, pieces)
    } catch (error) {
      // An earlier request may have completed the upload, and its answer was lost. If the part did not exist when the
      // upload started, and exists now, then it was completed.
      const askedBefore = started.completing === true || (isConflict(error) && error.attempts > 1)
      if (isConflict(error) && askedBefore && started.fresh && (await this.#part.exists())) return
      throw error
    }
  }

  /** @returns what the journal knows of an upload in pieces that was started */
  #started(): StartedEntry | undefined {
    const known = this.#journal.entryOf(this.#source)
    return known?.state === 'started' ? known : undefined
  }

  async #abandon({ upload }: StartedEntry): Promise<void> {
    await this.#part.abandon(upload)
    await this.#journal.note(this.#source, undefined)
  }

  #skip(): true {
    this.#session.progress.skip(this.#source.version.size)
    return true
  }
}

function sizeOfPiece({ version, pieceSize }: StartedEntry, number: number): number {
  return Math.min(pieceSize, version.size - number * pieceSize)
}

function storedBytes(started: StartedEntry): number {
  return started.pieces.reduce(
    (sum, name, number) => sum + (name === null ? 0 : sizeOfPiece(started, number)),
    0,
  )
}
