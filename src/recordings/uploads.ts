import type { Ownership } from './recording.ts'

/** What is known of bytes before they come. */
export interface AnnouncedBytes {
  /** The exact number of bytes. */
  readonly size: number
  /** SHA-256 that the bytes must have: 64 hexadecimal digits in lower case. By default any bytes will do. */
  readonly sha256?: string
}

/** What `begin` must know of an object that comes in pieces. */
export interface UploadOptions {
  /** Bytes of the whole: 1 or more. */
  readonly size: number
  /**
   * Bytes of every piece but the last, which has the rest. R2 and S3 require 5 MiB or more, and at most 10,000 pieces.
   */
  readonly pieceSize: number
  readonly contentType: string
  readonly ownership: Ownership
}

/** What `putPiece` must know of a piece. */
export interface PieceOptions extends AnnouncedBytes {
  /** The number of the piece, from 1. */
  readonly number: number
}

/** What `complete` must know of the whole. */
export interface CompleteOptions {
  /** What `putPiece` resolved to for every piece, in the order of their numbers. */
  readonly tags: readonly string[]
  /** Bytes of the whole, as given to `begin`. */
  readonly size: number
  /** The entity tag that the object must have at that moment; null if there must be no object. */
  readonly replaces: string | null
}

/** What `complete` knows of the object: no more than every store knows without another request. */
export interface CompletedPart {
  readonly size: number
  /** The same as `find` gives. */
  readonly etag: string
}

/** The upload does not exist, or these are not its pieces. The client must begin again. */
export class UploadUnknown extends Error {
  override readonly name = 'UploadUnknown'

  constructor() {
    super('the upload does not exist, or its pieces are missing or differ')
  }
}

/**
 * The part of the port `RecordingStore` that stores an object in pieces.
 *
 * - `begin` fixes what the object will be stamped with, and resolves to the id of an upload: 1 to 1024 visible ASCII
 *   characters that can't be guessed. No reader sees anything of the object yet. Unless the store is configured
 *   otherwise, the upload can be used for at least 7 days, also after a restart. `begin` rejects with a `NameTaken` as
 *   `put` does.
 * - `putPiece` stores one piece, all or nothing, and resolves to its tag (1 to 1024 visible ASCII characters) when it is
 *   durable. Pieces come in any order, and several at once. If a piece comes again, the last one counts; one that fails
 *   leaves the piece before it as it was. It rejects as `put` does, and with `UploadUnknown` if the upload
 *   doesn't exist for this key.
 * - `complete` assembles the object of its pieces, all or nothing. It resolves when the object is durable. It resolves
 *   to null if `replaces` doesn't hold, and keeps the upload. A store that can't check `replaces` and store in one step
 *   (R2) checks right before it stores. `complete` rejects with `UploadUnknown` if the upload doesn't exist for this
 *   key, if `tags` are not those of all its pieces, or if these don't add up to `size`; and with a `StorageFault` as `put` does.
 *   After success the upload no longer exists.
 * - `abandon` ends an upload of this key and removes its pieces. It also resolves if the upload does not exist.
 */
export interface Uploads {
  begin(key: string, options: UploadOptions): Promise<string>
  putPiece(
    key: string,
    upload: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PieceOptions,
  ): Promise<string>
  complete(key: string, upload: string, options: CompleteOptions): Promise<CompletedPart | null>
  abandon(key: string, upload: string): Promise<void>
}
