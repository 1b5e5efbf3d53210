import type { Binding } from './recording.ts'
import type { Uploads } from './uploads.ts'

/** A range of bytes as a client may ask for it before the size is known (RFC 9110 14.1.2). */
export type RequestedRange =
  | { readonly offset: number; readonly length?: number }
  /** The last so many bytes: 1 or more. */
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
  /**
   * The content coding of its bytes, such as `gzip` (RFC 9110 8.4). Absent for none, which is all that is ever opened:
   * no range, size or digest of coded bytes is that of the recording.
   */
  readonly encoding?: string
  /** `Content-Disposition` that it was stored with by other means than ours; not to be trusted. */
  readonly disposition?: string
  readonly binding: Binding
}

/** A stored object whose facts are damaged: only its binding can be read, which is empty if that can't be either. */
export interface DamagedPart {
  readonly binding: Binding
  /** What is wrong with it. Only ever acted on after a permit. */
  readonly fault: unknown
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

/**
 * The object is there, or may be, but the store doesn't give these bytes of it: the range lies beyond its end, or its
 * bytes are missing, cut short, or in a content coding. `find` gives its facts. `cause` is what is wrong with the bytes.
 */
export class BytesUnavailable extends Error {
  override readonly name = 'BytesUnavailable'

  constructor(cause?: unknown) {
    super('the store does not give these bytes', { cause })
  }
}

/** The store takes this name and that of another stored object for the same, as a disk does that ignores case. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken'

  constructor() {
    super('the store takes this name for that of another object')
  }
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
 * - `find` and `open` resolve to null where there is no such object, and reject where that can't be told. Each asks the
 *   store once, for an object that is there and for one that isn't, so that neither time nor number of requests tells
 *   them apart.
 * - `find` gives the facts also when the bytes are damaged, or in a content coding. Damaged facts are a `DamagedPart`.
 * - `open` rejects with `BytesUnavailable` where it can't give the bytes: those of a range that the object can't satisfy,
 *   damaged ones, and ones in a content coding. So a fault of the bytes is told only with the body. Every range of an
 *   empty object is one that it can't satisfy.
 * - `put` stores all or nothing: it resolves only when the whole object is durable, and to null where `replaces` no
 *   longer holds; a reader never sees a part of it. `body` is read once, no faster than it is stored, and rejects where
 *   the client takes too long. Where `put` can tell that the store failed, and not the upload, it rejects with a
 *   `StorageFault`; where the bytes have another digest than `sha256`, with a `DigestMismatch`; where the store takes
 *   the key for that of another object, with a `NameTaken`, and leaves that object as it is.
 * - `stamped` resolves to the bindings stamped on what is there under `places`, in their order: a place is a key, or
 *   all keys that begin with a text that ends in `/`, of which one counts, the same until something changes there: the
 *   first where the store lists in order. A place where nothing is has none. What it takes doesn't grow with their number.
 *   It asks for all places at once, for each of them equally often whether something is there or not: once, or twice
 *   for one that ends in `/` where lists tell no metadata, as those of S3. It rejects where one place can't be told, so
 *   that no answer is made of half of them.
 * - `claim` binds a recording id for good, for all its parts, and resolves to the binding in force: one claimed before,
 *   else the first with an owner that is `stamped` under `places`, else the given one. Two at once get the same answer.
 *   A binding without an owner is never written, and one that was counts as absent. So does one that names an owner and
 *   no issuer, unless `defaultIssuer` is the only one that there is. Where all that is there has no owner, `claim` binds
 *   nothing and resolves to that binding. It rejects with a `NameTaken` as `put` does.
 * - `claimed` resolves to the binding with an owner that a recording id is claimed for, with or without an issuer, and to
 *   null where it isn't. It claims nothing.
 */
export interface RecordingStore extends Uploads {
  find(key: string): Promise<StoredPart | DamagedPart | null>
  open(key: string, range?: RequestedRange): Promise<OpenedPart | null>
  put(key: string, body: AsyncIterable<Uint8Array> | null, options: PutOptions): Promise<StoredPart | null>
  stamped(keyPrefixes: readonly string[]): Promise<readonly Binding[]>
  claimed(recording: string): Promise<Binding | null>
  claim(
    recording: string,
    binding: Binding,
    keyPrefixes: readonly string[],
    defaultIssuer?: string,
  ): Promise<Binding>
}
