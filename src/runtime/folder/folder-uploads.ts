import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { logFault } from '../../base/storage-fault.ts'
import {
  type CompletedPart,
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  type Uploads,
  UploadUnknown,
} from '../../recordings/uploads.ts'
import { copyInto, discard, writeTemporarily } from './durable-file.ts'
import { type FolderObjects, newId } from './folder-objects.ts'
import { createKeyedLock } from './keyed-lock.ts'
import { type Begun, UploadFolder, uploadIds } from './upload-folder.ts'

/** How often old uploads are looked for, in milliseconds. */
const SWEEP_INTERVAL = 60 * 60 * 1000

/**
 * The uploads in pieces of a folder store. They survive a restart. Those that were not touched for 7 days are removed
 * in the background: when the store is created, and when an upload begins, at most once an hour.
 */
export class FolderUploads implements Uploads {
  readonly #all: string
  readonly #objects: FolderObjects
  readonly #now: () => number
  readonly #locked = createKeyedLock()
  #sweptAt = Number.NEGATIVE_INFINITY

  /** @param all the folder that holds the folders of all uploads */
  constructor(all: string, objects: FolderObjects, now: () => number) {
    this.#all = all
    this.#objects = objects
    this.#now = now
    mkdirSync(all, { recursive: true, mode: 0o700 })
    void this.#sweep()
  }

  async begin(key: string, options: UploadOptions): Promise<string> {
    void this.#sweep()
    // Fails before the client sends its first byte, rather than at the end.
    this.#objects.factsToReplace(this.#objects.pathOf(key))
    const id = newId()
    await new UploadFolder(this.#all, id).create({ ...options, key })
    return id
  }

  async putPiece(
    key: string,
    id: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PieceOptions,
  ): Promise<string> {
    const { number, size } = options
    const folder = new UploadFolder(this.#all, id)
    if (sizeOf(folder.read(key), number) !== size) throw new UploadUnknown()
    // A piece arrives in a file of its own. If it breaks off, the piece before it stays as it was; and a slow client
    // doesn't keep others from sending the same piece.
    const incoming = this.#objects.incoming(newId())
    const digest = await writeTemporarily(incoming, body ?? [], options)
    try {
      await this.#locked(id, async () => {
        const { pieceSize } = folder.read(key)
        if (folder.piece(number) === digest) return folder.syncPiece(number)
        await folder.forgetPiece(number)
        await copyInto(incoming, folder.bytes, (number - 1) * pieceSize)
        await folder.rememberPiece(number, digest)
      })
    } finally {
      await discard(incoming)
    }
    return digest
  }

  complete(
    key: string,
    id: string,
    { tags, size, replaces }: CompleteOptions,
  ): Promise<CompletedPart | null> {
    return this.#locked(id, async () => {
      const folder = new UploadFolder(this.#all, id)
      const begun = folder.read(key)
      const isWhole = begun.size === size && tags.length === countOf(begun)
      if (!isWhole || !tags.every((tag, index) => folder.piece(index + 1) === tag)) {
        throw new UploadUnknown()
      }
      const { pieceSize } = begun
      const digest = createHash('sha256')
        .update(`${size} ${pieceSize}\n${tags.join('\n')}`)
        .digest('hex')
      const stored = await this.#objects.publish(folder.bytes, key, {
        ...begun,
        version: id,
        digest,
        replaces,
      })
      if (stored !== null) await folder.remove()
      return stored
    })
  }

  async abandon(key: string, id: string): Promise<void> {
    await this.#locked(id, async () => {
      const folder = new UploadFolder(this.#all, id)
      folder.read(key)
      await this.#objects.withdraw(key, id)
      await folder.remove()
    }).catch((error: unknown) => {
      if (!(error instanceof UploadUnknown)) throw error
    })
  }

  /** Removes old uploads, unless that was done within the hour. Never rejects: a failure is reported to the operator. */
  async #sweep(): Promise<void> {
    const now = this.#now()
    if (now - this.#sweptAt < SWEEP_INTERVAL) return
    this.#sweptAt = now
    try {
      let fault: unknown
      for (const id of await uploadIds(this.#all)) {
        // Under the lock of the upload: it must not be removed while a piece of it comes in.
        const removal = this.#locked(id, () => new UploadFolder(this.#all, id).removeIfOld(now))
        await removal.catch((error: unknown) => {
          fault = error
        })
      }
      if (fault !== undefined) throw fault
    } catch (fault) {
      logFault('an upload that was not touched for 7 days stays on the disk', fault)
    }
  }
}

/** Returns the number of pieces that an upload has. */
const countOf = ({ size, pieceSize }: Begun): number => Math.ceil(size / pieceSize)

/** Returns the size of a piece in bytes, or undefined if the upload has no piece of this number. */
function sizeOf(begun: Begun, number: number): number | undefined {
  const { size, pieceSize } = begun
  if (!Number.isInteger(number) || number < 1 || number > countOf(begun)) return undefined
  return Math.min(pieceSize, size - (number - 1) * pieceSize)
}
