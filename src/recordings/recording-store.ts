import type { Ownership } from './recording.ts'
import type { AnnouncedBytes, Uploads } from './uploads.ts'

/** A range of bytes as a client may ask for it before the size is known (RFC 9110 14.1.2). */
export type RequestedRange =
  | { readonly offset: number; readonly length?: number }
  /** The last so many bytes: 1 or more. */
  | { readonly suffix: number }

/** The facts of a stored object: all but its bytes. */
export interface StoredPart {
  /** Bytes of the whole object. A plain number: exact to 2^53. */
  readonly size: number
  /** Strong entity tag with its quotes (RFC 9110 8.8.3). */
  readonly etag: string
  /** When it was stored: milliseconds since 1970, cut to whole seconds, which is all that Last-Modified can say. */
  readonly modified: number
  /** The media type that it was stored with. Not to be trusted. */
  readonly contentType?: string
  /**
   * The content coding of its bytes, such as `gzip` (RFC 9110 8.4). Absent without one. Only objects without a
   * coding are opened: no range, size or digest of coded bytes is that of the recording.
   */
  readonly encoding?: string
  /** `Content-Disposition`, if another tool stored the object with one. Not to be trusted. */
  readonly disposition?: string
  readonly ownership: Ownership
}

/** A stored object whose facts are damaged. */
export class DamagedPart {
  readonly #fault: unknown
  readonly ownership: Ownership

  /** @param ownership empty if it can't be read either, which is the default */
  constructor(fault: unknown, ownership: Ownership = {}) {
    this.#fault = fault
    this.ownership = ownership
  }

  /** What is wrong. Must be acted on only after a permit. */
  get fault(): unknown {
    return this.#fault
  }
}

/** How many bytes of a body were taken; `cut` if it ended before its end, and the store can't tell how many. */
export type Taken = number | 'cut'

/** A stored object with some or all of its bytes. */
export interface OpenedPart extends StoredPart {
  /**
   * The bytes asked for: exactly `range` of the object. Must be read or cancelled. A native stream of known length, so
   * that the runtime itself sends it, with a Content-Length.
   */
  readonly body: ReadableStream<Uint8Array>
  /**
   * Resolves to how much of `body` was taken, when it has ended, failed, or been cancelled or cut. Never rejects. Absent
   * if the store would have to look at every chunk to know. The request that reads the body must wait for it: on Workers
   * it is what moves the bytes.
   */
  readonly taken?: Promise<Taken>
  /**
   * Ends `body` before its end, at once and from any request: the body fails, so that its reader sees a broken transfer
   * and never a short answer that looks whole. Does nothing once the body has ended. Absent if the body is so short that
   * all of it would be in the buffers of sockets already. A body with `cut` has `taken`, so it is known when it is over.
   */
  readonly cut?: () => void
  /** The bytes that `body` holds. */
  readonly range: { readonly offset: number; readonly length: number }
}

/** What `put` stores beside the bytes. */
export interface PutOptions extends AnnouncedBytes {
  readonly contentType: string
  readonly ownership: Ownership
  /** The entity tag that the object must have at that moment; null if there must be no object. */
  readonly replaces: string | null
}

/**
 * The object exists, or may exist, but the store doesn't give these bytes of it: the range lies beyond its end, or its
 * bytes are missing, cut short, or in a content coding. `cause` says what is wrong with the bytes.
 */
export class BytesUnavailable extends Error {
  override readonly name = 'BytesUnavailable'
  /** The facts of the object, if the store has read them. `find` gives them in any case. */
  readonly facts: StoredPart | DamagedPart | undefined

  constructor(cause?: unknown, facts?: StoredPart | DamagedPart) {
    super('the store does not give these bytes', { cause })
    this.facts = facts
  }
}

/** The store can't tell this name from that of another stored object, as on a disk that ignores case. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken'

  constructor() {
    super('the store takes this name for that of another object')
  }
}

/** The bytes don't have the digest that was announced. This is not a fault of the store, which keeps none of them. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch'

  constructor() {
    super('the bytes that came have another SHA-256 than was announced')
  }
}

/**
 * Port: the store that holds the recordings.
 *
 * - Facts and bytes from one call belong to one version of one object, so nothing can change between the check of its
 *   owner and the reading of its bytes.
 * - `find` and `open` resolve to null if the object does not exist, and reject if the store can't determine that. Each
 *   sends the store one request whether the object exists or not, so that neither the time nor the number of requests
 *   reveals it.
 * - `find` gives the facts even if the bytes are damaged or in a content coding. If the facts are damaged, it gives a
 *   `DamagedPart`.
 * - `open` rejects with `BytesUnavailable` if it can't give the bytes: the object can't satisfy the range, or its bytes
 *   are damaged or in a content coding. So only a caller that asks for the body learns of such a fault. An empty object
 *   satisfies no range.
 * - `put` stores all or nothing. It resolves when the whole object is durable, and to null if `replaces` no longer
 *   holds. A reader never sees a part of the object. `body` is read once, no faster than it is stored, and rejects if
 *   the client takes too long. `put` rejects with a `StorageFault` if it can tell that the store failed, rather than the
 *   upload; with a `DigestMismatch` if the bytes don't have the digest `sha256`; and with a `NameTaken` if the store
 *   takes the key for that of another object, which stays as it is.
 * - `stampBelow` resolves to what one of the objects is stamped with whose keys begin with a prefix that ends in `/`: the
 *   first if the store lists in order, and always the same until something changes there. It resolves to null if there are
 *   none. The time doesn't grow with the number of objects. It sends the store the same number of requests whether there is
 *   an object or not: one, or two if the store's lists hold no metadata, as those of S3.
 * - `uploads` stores objects that come in pieces.
 * - `removeProbe` removes the object with the key `PROBE_KEY`, and can remove no other: no code of the gate removes a
 *   recording. It resolves to false if the store doesn't let the gate remove objects, which it needs for nothing else. A
 *   store may lack the method.
 */
export interface RecordingStore {
  readonly uploads: Uploads
  /**
   * When a `BytesUnavailable` of `open` is sure to have the facts: `always`, or if the `whole` object was asked for. A refusal
   * takes one read then. Any other refusal takes two, as finding out that bytes are withheld does: otherwise its time would
   * reveal that the recording is there. Default: never.
   */
  readonly givesFacts?: 'always' | 'whole'
  find(key: string): Promise<StoredPart | DamagedPart | null>
  open(key: string, range?: RequestedRange): Promise<OpenedPart | null>
  put(key: string, body: AsyncIterable<Uint8Array> | null, options: PutOptions): Promise<StoredPart | null>
  stampBelow(prefix: string): Promise<Ownership | null>
  removeProbe?(): Promise<boolean>
}
