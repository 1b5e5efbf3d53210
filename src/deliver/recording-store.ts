import type { Binding } from '../recording.ts'
import type { Uploads } from './uploads.ts'

/** A range of bytes as a client may ask for it before the size is known (RFC 9110 14.1.2). */
export type RequestedRange =
  | { readonly offset: number; readonly length?: number }
  | { readonly suffix: number }

/** What is known of a stored object without its bytes. */
export interface StoredPart {
  /** Bytes of the whole object. A plain number: exact to 2^53. */
  readonly size: number
  /** Strong entity tag with its quotes (RFC 9110 8.8.3). */
  readonly etag: string
  /** When it was stored, milliseconds since 1970, cut to whole seconds as Last-Modified can say no less. */
  readonly modified: number
  /** The media type it was stored with; not to be trusted. */
  readonly contentType?: string
  readonly binding: Binding
}

/** A stored object with some or all of its bytes. */
export interface OpenedPart extends StoredPart {
  /**
   * The bytes asked for: exactly `range` of the object. Must be read or cancelled. A native stream of known length, so
   * that the runtime sends it with its Content-Length and by itself.
   */
  readonly body: ReadableStream<Uint8Array>
  /**
   * Resolves to how many bytes of `body` were taken, when it has ended, failed or been cancelled. Never rejects. Absent
   * where the store can't tell without looking at every chunk.
   */
  readonly taken?: Promise<number>
  /** Which bytes `body` holds. */
  readonly range: { readonly offset: number; readonly length: number }
}

/** What `put` stores beside the bytes. */
export interface PutOptions {
  /** Exactly so many bytes will come. */
  readonly size: number
  readonly contentType: string
  readonly binding: Binding
  /** The entity tag that the object must have at that moment; null: there must be none. */
  readonly replaces: string | null
  /** SHA-256 that the bytes must have: 64 hexadecimal digits in lower case. Left out, any bytes will do. */
  readonly sha256?: string
}

/** The bytes don't have the digest that they were announced with. Not a fault of the store: it holds none of them. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch'

  constructor() {
    super('the bytes that came have another SHA-256 than was announced')
  }
}

/**
 * Port: where recordings are.
 *
 * - Facts and bytes that come from one call belong to one version of one object, so nothing can change between the
 *   check of its owner and the reading of its bytes.
 * - `find` and `open` resolve to null where there is no such object, and reject where that can't be told.
 * - `open` with a range that the object can't satisfy resolves to its facts alone, without `body`. Every range of
 *   an empty object is one.
 * - `put` stores all or nothing: it resolves only when the whole object is durable, and to null where `replaces` no
 *   longer holds; a reader never sees a part of it. Where it can tell that the store failed, and not the upload, it
 *   rejects with a `StorageFault`; where the bytes have another digest than `sha256`, with a `DigestMismatch`.
 * - `stamped` resolves to the bindings stamped on what is there under `places`, in their order: a place is a key, or
 *   all keys that begin with a text that ends in `/`, of which the first counts. A place where nothing is has none.
 *   It asks for all places at once, and for each of them once; S3 is asked twice for one that ends in `/`, as its lists
 *   tell no metadata. It rejects where one place can't be told, so that no answer is made of half of them.
 * - `claim` binds a recording id for good, for all its parts, and resolves to the binding in force: one claimed
 *   before, else the first that is `stamped` under `places`, else the given one. Two at once get the same answer.
 * - `claimed` resolves to the binding that a recording id is claimed for, and to null where it isn't. It claims nothing.
 */
export interface RecordingStore extends Uploads {
  find(key: string): Promise<StoredPart | null>
  open(key: string, range?: RequestedRange): Promise<OpenedPart | StoredPart | null>
  put(key: string, body: ReadableStream<Uint8Array> | null, options: PutOptions): Promise<StoredPart | null>
  stamped(places: readonly string[]): Promise<readonly Binding[]>
  claimed(recording: string): Promise<Binding | null>
  claim(recording: string, binding: Binding, places: readonly string[]): Promise<Binding>
}
