import { StorageFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import type { ArchiveStore } from './archive-store.ts'
import { manifestName, type Segment, segmentName } from './manifest.ts'
import { digestOf, unpackLines, utf8 } from './segment.ts'

/** How long the store may take for an object, in milliseconds. */
const PATIENCE = 30_000

/** The segments in the archive. What it returns is what was written: it checks every byte. */
export class ArchivedSegments {
  readonly #store: ArchiveStore
  /** The segment that was read last: a reader asks for it page by page. */
  #last: { readonly sha256: string; readonly lines: readonly string[] } | undefined

  constructor(store: ArchiveStore) {
    this.#store = store
  }

  /**
   * Returns the lines of a segment.
   *
   * @throws StorageFault if it is not there, or not as it was written
   */
  async read({ first, last, sha256 }: Segment): Promise<readonly string[]> {
    if (this.#last?.sha256 === sha256) return this.#last.lines
    const bytes = await this.bytesOf(first)
    if (bytes === undefined) throw new StorageFault(`${segmentName(first)} is missing in the archive`)
    if ((await digestOf(bytes)) !== sha256) {
      throw new StorageFault(
        `${segmentName(first)} in the archive is not what was written: its SHA-256 differs`,
      )
    }
    const lines = await unpackLines(bytes)
    if (lines.length !== last - first + 1) {
      throw new StorageFault(
        `${segmentName(first)} in the archive has another number of records than its manifest`,
      )
    }
    this.#last = { sha256, lines }
    return lines
  }

  /** Returns the bytes of the segment that begins at an index, whatever they are; undefined if it is not there. */
  bytesOf(first: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return withTimeout(PATIENCE, this.#store.read(segmentName(first)))
  }

  /** Returns the manifest's entry of the segment that begins at an index, as JSON; undefined if it is not there. */
  async manifestOf(first: number): Promise<string | undefined> {
    const bytes = await withTimeout(PATIENCE, this.#store.read(manifestName(first)))
    return bytes && new TextDecoder().decode(bytes)
  }

  /** Stores the segment that begins at an index, unless there is one. */
  async createSegment(first: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await withTimeout(PATIENCE, this.#store.create(segmentName(first), bytes))
  }

  /** Stores the manifest's entry of a segment, unless there is one. */
  async createManifest(first: number, json: string): Promise<void> {
    await withTimeout(PATIENCE, this.#store.create(manifestName(first), utf8(json)))
  }

  /** Removes a segment and its entry of the manifest, which goes last: it says what there was. */
  async remove({ first }: Segment): Promise<void> {
    await withTimeout(PATIENCE, this.#store.remove(segmentName(first)))
    await this.removeManifest(first)
  }

  /** Removes the manifest's entry of a segment that is missing. */
  async removeManifest(first: number): Promise<void> {
    await withTimeout(PATIENCE, this.#store.remove(manifestName(first)))
  }
}
