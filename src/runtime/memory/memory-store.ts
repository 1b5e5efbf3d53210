import { servedRange } from '../../http/byte-range.ts'
import type { Ownership } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import type { CompletedPart, CompleteOptions, PieceOptions, UploadOptions } from '../../recordings/uploads.ts'
import { readBody, sha256Of } from './memory-bytes.ts'
import { MemoryUploads } from './memory-uploads.ts'

/** Creates a store of recordings in memory, for trials and tests. It is lost when the process ends. */
export function createMemoryStore(now: () => number = Date.now): RecordingStore {
  return new MemoryStore(now)
}

interface StoredObject extends StoredPart {
  readonly bytes: Uint8Array<ArrayBuffer>
}

class MemoryStore implements RecordingStore {
  readonly #now: () => number
  readonly #objects = new Map<string, StoredObject>()
  readonly #uploads = new MemoryUploads()

  constructor(now: () => number) {
    this.#now = now
  }

  async find(key: string): Promise<StoredPart | null> {
    const object = this.#objects.get(key)
    return object === undefined ? null : factsOf(object)
  }

  async open(key: string, range?: RequestedRange): Promise<OpenedPart | null> {
    const object = this.#objects.get(key)
    if (object === undefined) return null
    const served = servedRange(range, object.size)
    if (served === undefined) throw new BytesUnavailable()
    const bytes = object.bytes.subarray(served.offset, served.offset + served.length)
    return { ...factsOf(object), range: served, body: new Blob([bytes]).stream() }
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PutOptions,
  ): Promise<StoredPart | null> {
    const bytes = await readBody(body, options)
    return this.#store(key, bytes, await tagOf(bytes), options)
  }

  async begin(key: string, options: UploadOptions): Promise<string> {
    return this.#uploads.begin(key, options)
  }

  putPiece(
    key: string,
    upload: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PieceOptions,
  ): Promise<string> {
    return this.#uploads.putPiece(key, upload, body, options)
  }

  async complete(key: string, upload: string, options: CompleteOptions): Promise<CompletedPart | null> {
    const { bytes } = this.#uploads.assemble(key, upload, options)
    const etag = await tagOf(bytes)
    // Checked again: a piece may have been replaced in the meantime.
    const whole = this.#uploads.assemble(key, upload, options)
    const stored = this.#store(key, bytes, etag, { ...whole, replaces: options.replaces })
    if (stored !== null) this.#uploads.abandon(key, upload)
    return stored
  }

  async abandon(key: string, upload: string): Promise<void> {
    this.#uploads.abandon(key, upload)
  }

  async stampBelow(prefix: string): Promise<Ownership | null> {
    const below = [...this.#objects.keys()].filter(key => key.startsWith(prefix) && key !== prefix)
    const [first] = below.sort()
    return first === undefined ? null : (this.#objects.get(first)?.ownership ?? null)
  }

  /** Checks `replaces` and stores, without an `await` between the two, so that no other call comes between them. */
  #store(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    etag: string,
    { contentType, ownership, replaces }: Pick<PutOptions, 'contentType' | 'ownership' | 'replaces'>,
  ): StoredPart | null {
    if ((this.#objects.get(key)?.etag ?? null) !== replaces) return null
    const modified = Math.floor(this.#now() / 1000) * 1000
    const object = { bytes, size: bytes.length, etag, contentType, ownership, modified }
    this.#objects.set(key, object)
    return factsOf(object)
  }
}

function factsOf({ bytes: _, ...facts }: StoredObject): StoredPart {
  return facts
}

async function tagOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `"${(await sha256Of(bytes)).slice(0, 32)}"`
}
