import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bindingOf, metadataOf } from '../../recordings/object-metadata.ts'
import { type UploadOptions, UploadUnknown } from '../../recordings/uploads.ts'
import { codeOf, diskFailed } from './disk-fault.ts'
import { syncFolder, writeDurably } from './durable-file.ts'
import { isCount, isTexts, parseObject } from './stored-facts.ts'

// The files of an upload in pieces: `upload.json`, what it is to become; `bytes`, the whole, with every piece at its
// place; and for each piece that is there whole a file with its number for a name, which holds its SHA-256.

/** What an upload was begun with. */
export interface Begun extends UploadOptions {
  readonly key: string
}

/** For how long an upload stays that nobody touches, in milliseconds. */
const KEPT = 7 * 24 * 60 * 60 * 1000
const ID = /^[0-9a-f]{32}$/
const DIGEST = /^[0-9a-f]{64}$/

/** The folder of an upload. */
export class UploadFolder {
  readonly path: string

  /**
   * @param all the folder that the uploads have theirs in
   * @throws UploadUnknown where the name can't be one of ours: it could lead out of the folder
   */
  constructor(all: string, id: string) {
    if (!ID.test(id)) throw new UploadUnknown()
    this.path = join(all, id)
  }

  /** The file of the whole. */
  get bytes(): string {
    return join(this.path, 'bytes')
  }

  async make(all: string, { binding, ...begun }: Begun): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify({ ...begun, metadata: metadataOf(binding) }))
    await mkdir(this.path, { mode: 0o700 }).catch(diskFailed)
    await writeDurably(this.bytes, [], 0)
    await writeDurably(join(this.path, 'upload.json'), [text], text.length)
    await syncFolder(this.path)
    await syncFolder(all)
  }

  /** @throws UploadUnknown where there is none for this key: what is half written was never told to be there */
  read(key: string): Begun {
    const begun = parse(this.#text('upload.json'))
    if (begun?.key !== key) throw new UploadUnknown()
    return begun
  }

  /** The SHA-256 of a piece; undefined where it isn't there whole. */
  piece(number: number): string | undefined {
    const digest = this.#text(String(number))
    return DIGEST.test(digest) ? digest : undefined
  }

  /** To be called before a piece is written over. */
  async forgetPiece(number: number): Promise<void> {
    await rm(join(this.path, String(number)), { force: true }).catch(diskFailed)
    await syncFolder(this.path)
  }

  async rememberPiece(number: number, digest: string): Promise<void> {
    const text = new TextEncoder().encode(digest)
    await writeDurably(join(this.path, String(number)), [text], text.length)
    await syncFolder(this.path)
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true }).catch(diskFailed)
  }

  #text(name: string): string {
    try {
      return readFileSync(join(this.path, name), 'utf8')
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? '' : diskFailed(error)
    }
  }
}

/** Makes the folder of uploads where it isn't there, and takes away the ones that nobody touched for 7 days. */
export function sweep(all: string, now: number): void {
  mkdirSync(all, { recursive: true, mode: 0o700 })
  for (const id of readdirSync(all)) {
    const path = join(all, id)
    const touched = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now
    if (touched < now - KEPT) rmSync(path, { recursive: true, force: true })
  }
}

function parse(text: string): Begun | undefined {
  const { key, size, pieceSize, contentType, metadata } = parseObject(text)
  return typeof key === 'string' &&
    isCount(size) &&
    isCount(pieceSize) &&
    typeof contentType === 'string' &&
    isTexts(metadata)
    ? { key, size, pieceSize, contentType, binding: bindingOf(metadata) }
    : undefined
}
