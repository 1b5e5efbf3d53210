import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'

// Files are read twice, once for their digest and once to be sent, and never held in memory. Each read checks that the
// file is still in the version that was examined first, so the bytes that are sent are the bytes that were announced.

/** Identifies one state of a file. Programs can set `modified` back, but not `changed`. */
export interface FileVersion {
  /** In bytes. */
  readonly size: number
  /** When the content was last modified, in milliseconds since 1970. */
  readonly modified: number
  /** When the content or the metadata last changed, in milliseconds since 1970. */
  readonly changed: number
}

/** Returns the version of a file from its `stat` result. */
export function versionOf({ size, mtimeMs, ctimeMs }: Stats): FileVersion {
  return { size, modified: mtimeMs, changed: ctimeMs }
}

/** Checks whether two versions are the same state of a file. */
export function isSameVersion(a: FileVersion, b: FileVersion): boolean {
  return a.size === b.size && a.modified === b.modified && a.changed === b.changed
}

/** A range of bytes in one version of a file. */
export interface FileRange {
  readonly path: string
  readonly version: FileVersion
  /** Offset of the first byte. */
  readonly first: number
  /** Length in bytes. */
  readonly size: number
}

/** Thrown if a file is no longer in the version that was examined first. */
export class SourceChanged extends Error {
  override readonly name = 'SourceChanged'
  constructor(path: string) {
    super(
      `${path} changed while it was read: wait until nothing writes to it, and run the same command again`,
    )
  }
}

/**
 * Checks that a file is still in a version.
 *
 * @throws SourceChanged
 */
export async function requireVersion(path: string, version: FileVersion): Promise<void> {
  const current = await stat(path).catch(() => undefined)
  if (current === undefined || !isSameVersion(versionOf(current), version)) throw new SourceChanged(path)
}

/**
 * Reads a range in chunks. Holds the last chunk back until all bytes are known to be of the expected version: if they
 * are not, the request that sends them ends too early, and the gate stores nothing.
 *
 * @param sha256 the digest that the bytes must have, in base64; not checked if left out
 * @throws SourceChanged
 */
export async function* readRange(range: FileRange, sha256?: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { path, version, first, size } = range
  const file = await open(path).catch(() => {
    throw new SourceChanged(path)
  })
  try {
    const hash = sha256 === undefined ? undefined : createHash('sha256')
    let held: Buffer<ArrayBuffer> | undefined
    let read = 0
    // `end` is inclusive, so it can't express an empty range.
    const span = { start: first, end: first + size - 1, autoClose: false, highWaterMark: 128 * 1024 }
    for await (const chunk of size === 0 ? [] : file.createReadStream(span)) {
      if (held !== undefined) yield held
      held = chunk as Buffer<ArrayBuffer>
      hash?.update(held)
      read += held.length
    }
    // The open file, not the path: another file may have taken its name.
    const same = isSameVersion(versionOf(await file.stat()), version)
    if (!same || read !== size || hash?.digest('base64') !== sha256) throw new SourceChanged(path)
    if (held !== undefined) yield held
  } finally {
    await file.close()
  }
}

/**
 * Computes the SHA-256 of a range, in base64.
 *
 * @throws SourceChanged
 */
export async function digestRange(range: FileRange): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of readRange(range)) hash.update(chunk)
  return hash.digest('base64')
}

/** A range of a file, with the digest that its bytes must have. */
export interface FileContent {
  readonly range: FileRange
  /** SHA-256 in base64. */
  readonly sha256: string
}

/** Sends a range of a file as the body of one request, and counts the bytes. */
export class FileBody {
  readonly #content: FileContent
  readonly #count: (bytes: number) => void
  readonly #chunks = this.#read()
  #sent = 0
  #isCounted = true
  /** Why the file could not be read to the end. */
  error: unknown

  /** @param count called with the size of each chunk that is sent; with a negative size if the chunks don't count */
  constructor(content: FileContent, count: (bytes: number) => void) {
    this.#content = content
    this.#count = count
  }

  /** Returns the bytes as a stream. Call it once. It fails with {@link SourceChanged} if the file is no longer the same. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const chunks = this.#chunks
    return new ReadableStream({
      pull: async controller => {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => this.close(),
    })
  }

  /** Closes the file. `fetch` doesn't cancel a body that it could not send, so its sender must call this. */
  async close(): Promise<void> {
    await this.#chunks.return(undefined)
  }

  async *#read(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for await (const chunk of readRange(this.#content.range, this.#content.sha256)) {
        yield chunk
        if (!this.#isCounted) continue
        this.#sent += chunk.length
        this.#count(chunk.length)
      }
    } catch (error) {
      this.error = error
      throw error
    }
  }

  /** Takes back what was counted, because the gate did not store the bytes. Counts none of them from now on. */
  uncount(): void {
    if (this.#isCounted) this.#count(-this.#sent)
    this.#isCounted = false
  }
}
