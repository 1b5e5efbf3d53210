import { readFileSync } from 'node:fs'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { metadataOf, ownershipOf } from '../../recordings/object-metadata.ts'
import { type UploadOptions, UploadUnknown } from '../../recordings/uploads.ts'
import { diskFailed, isAbsent, systemCode } from './disk-fault.ts'
import { syncFile, syncFolder, writeTextDurably } from './durable-file.ts'
import { isCount, isMetadata, parseObject } from './stored-facts.ts'

/** What an upload was begun with. */
export interface Begun extends UploadOptions {
  readonly key: string
}

/** How long an upload that is not touched is kept, in milliseconds. */
const KEPT = 7 * 24 * 60 * 60 * 1000
const ID = /^[0-9a-f]{32}$/
const DIGEST = /^[0-9a-f]{64}$/

/**
 * The folder of one upload in pieces. `upload.json` says what the upload is to become. `bytes` holds the whole, each
 * piece at its place. For each piece that is complete, a file that is named by its number holds its SHA-256.
 */
export class UploadFolder {
  readonly #all: string
  readonly #path: string

  /**
   * @param all the folder that holds the folders of all uploads
   * @throws UploadUnknown if we never give such an id: it could lead out of the folder
   */
  constructor(all: string, id: string) {
    if (!ID.test(id)) throw new UploadUnknown()
    this.#all = all
    this.#path = join(all, id)
  }

  /** The file that holds the whole. */
  get bytes(): string {
    return join(this.#path, 'bytes')
  }

  /** Creates the folder durably, without any piece. */
  async create({ ownership, ...begun }: Begun): Promise<void> {
    await mkdir(this.#path, { mode: 0o700 }).catch(diskFailed)
    await writeTextDurably(this.bytes, '')
    const json = JSON.stringify({ ...begun, metadata: metadataOf(ownership) })
    await writeTextDurably(join(this.#path, 'upload.json'), json)
    await syncFolder(this.#path)
    await syncFolder(this.#all)
  }

  /**
   * Reads what the upload was begun with.
   *
   * @throws UploadUnknown if the upload doesn't exist for this key; a half-written one was never reported as begun
   */
  read(key: string): Begun {
    const begun = parse(this.#read('upload.json'))
    if (begun?.key !== key) throw new UploadUnknown()
    return begun
  }

  /** Returns the SHA-256 of a piece, or undefined if the piece isn't complete. */
  piece(number: number): string | undefined {
    const digest = this.#read(String(number))
    return DIGEST.test(digest) ? digest : undefined
  }

  /** Marks a piece as incomplete, durably. Must be called before the piece is overwritten. */
  async forgetPiece(number: number): Promise<void> {
    await rm(join(this.#path, String(number)), { force: true }).catch(diskFailed)
    await syncFolder(this.#path)
  }

  /** Marks a piece as complete, durably. */
  async rememberPiece(number: number, digest: string): Promise<void> {
    await writeTextDurably(join(this.#path, String(number)), digest)
    await syncFolder(this.#path)
  }

  /** Makes durable that a piece is complete: the process may have ended before it was. */
  async syncPiece(number: number): Promise<void> {
    await syncFile(join(this.#path, String(number)))
    await syncFolder(this.#path)
  }

  /** Removes the folder if it was not touched for 7 days. */
  async removeIfOld(now: number): Promise<void> {
    const stats = await lstat(this.#path).catch(error => (isAbsent(error) ? undefined : diskFailed(error)))
    if (stats !== undefined && stats.mtimeMs < now - KEPT) await this.remove()
  }

  async remove(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true }).catch(diskFailed)
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.#path, name), 'utf8')
    } catch (error) {
      return systemCode(error) === 'ENOENT' ? '' : diskFailed(error)
    }
  }
}

/** Returns the ids of all uploads. */
export async function uploadIds(all: string): Promise<readonly string[]> {
  const names = await readdir(all).catch(diskFailed)
  return names.filter(name => ID.test(name))
}

function parse(json: string): Begun | undefined {
  const { key, size, pieceSize, contentType, metadata } = parseObject(json)
  return typeof key === 'string' &&
    isCount(size) &&
    isCount(pieceSize) &&
    typeof contentType === 'string' &&
    isMetadata(metadata)
    ? { key, size, pieceSize, contentType, ownership: ownershipOf(metadata) }
    : undefined
}
