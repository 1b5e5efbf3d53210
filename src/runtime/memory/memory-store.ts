import { servedRange } from '../../http/byte-range.ts'
import { countedBody } from '../../recordings/counted-body.ts'
import { type Ownership, PROBE_KEY } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import type { Uploads } from '../../recordings/uploads.ts'
import { readBody, sha256Of } from './memory-bytes.ts'
import { MemoryUploads, type StoreOptions } from './memory-uploads.ts'

/** The size of a chunk, in bytes. A body of one chunk is left to the runtime; a longer one can be cut. */
const CHUNK = 64 * 1024

/** Creates a store of recordings in memory, for trials and tests. It is lost when the process ends. */
export function createMemoryStore(now: () => number = Date.now): RecordingStore {
  return new MemoryStore(now)
}

interface StoredObject extends StoredPart {
  readonly bytes: Uint8Array<ArrayBuffer>
}

class MemoryStore implements RecordingStore {
  readonly givesFacts = 'always'
  readonly #now: () => number
  readonly #objects = new Map<string, StoredObject>()
  readonly uploads: Uploads = new MemoryUploads((key, bytes, options) => this.#store(key, bytes, options))

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
    if (served === undefined) throw new BytesUnavailable(undefined, factsOf(object))
    const bytes = object.bytes.subarray(served.offset, served.offset + served.length)
    return { ...factsOf(object), range: served, ...bodyOf(bytes) }
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PutOptions,
  ): Promise<StoredPart | null> {
    const bytes = await readBody(body, options)
    return this.#store(key, bytes, options)
  }

  async stampBelow(prefix: string): Promise<Ownership | null> {
    const below = [...this.#objects.keys()].filter(key => key.startsWith(prefix) && key !== prefix)
    const [first] = below.sort()
    return first === undefined ? null : (this.#objects.get(first)?.ownership ?? null)
  }

  async removeProbe(): Promise<boolean> {
    this.#objects.delete(PROBE_KEY)
    return true
  }

  async #store(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    { contentType, ownership, replaces }: StoreOptions,
  ): Promise<StoredPart | null> {
    const etag = `"${(await sha256Of(bytes)).slice(0, 32)}"`
    // From here on without an `await`, so that no other call comes between the check and the storing.
    if ((this.#objects.get(key)?.etag ?? null) !== replaces) return null
    const modified = Math.floor(this.#now() / 1000) * 1000
    const object = { bytes, size: bytes.length, etag, contentType, ownership, modified }
    this.#objects.set(key, object)
    return factsOf(object)
  }
}

function bodyOf(bytes: Uint8Array<ArrayBuffer>): Pick<OpenedPart, 'body' | 'taken' | 'cut'> {
  if (bytes.length <= CHUNK) return { body: new Blob([bytes]).stream() }
  // Copies, since the reader of a chunk may take its memory over.
  return countedBody(bytes.length, { read: async at => bytes.slice(at, at + CHUNK), release() {} })
}

function factsOf({ bytes: _, ...facts }: StoredObject): StoredPart {
  return facts
}
