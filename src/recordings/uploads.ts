import type { Binding } from './recording.ts'

/** What `begin` is told of an object that is to come in pieces. */
export interface UploadOptions {
  /** Bytes of the whole: 1 or more. */
  readonly size: number
  /** Bytes of every piece but the last, which has the rest. R2 and S3 want 5 MiB or more, and 10,000 pieces at most. */
  readonly pieceSize: number
  readonly contentType: string
  readonly binding: Binding
}

/** What `putPiece` stores. */
export interface PieceOptions {
  /** Which piece of the whole it is, from 1. */
  readonly number: number
  /** Exactly so many bytes will come. */
  readonly size: number
  /** SHA-256 that the bytes of the piece must have, as with `put`. */
  readonly sha256?: string
}

/** What `complete` makes an object of. */
export interface CompleteOptions {
  /** What `putPiece` gave for every piece, in the order of their numbers. */
  readonly tags: readonly string[]
  /** Bytes of the whole, as at the beginning. */
  readonly size: number
  /** The entity tag that the object must have at that moment; null: there must be none. */
  readonly replaces: string | null
}

/** What `complete` tells of the object: no more than every store knows without asking once more. */
export interface CompletedPart {
  readonly size: number
  /** As `find` tells it. */
  readonly etag: string
}

/** There is no such upload, or its pieces are not those: who uploads has to begin anew. */
export class UploadUnknown extends Error {
  override readonly name = 'UploadUnknown'

  constructor() {
    super('there is no such upload, or its pieces are missing or others')
  }
}

/**
 * The part of the port `RecordingStore` by which an object comes in pieces.
 *
 * - `begin` resolves to the name of an upload: 1 to 1024 visible ASCII characters that nobody can guess. It settles what
 *   the object will be stamped with; nothing is seen of it yet. The upload is good for 7 days at least where the store
 *   is not told otherwise, across a restart too. It rejects with a `NameTaken` as `put` does.
 * - `putPiece` stores one piece, all or nothing, and resolves to its tag (1 to 1024 visible ASCII characters) when it is
 *   durable. Pieces come in any order, and several at once. Of a piece that comes again the last one counts; one that
 *   fails leaves the one before as it was. It rejects as `put` does, and with `UploadUnknown` where this key has no such
 *   upload.
 * - `complete` makes the object of its pieces, all or nothing. It resolves when that is durable, and to null where
 *   `replaces` doesn't hold: then the upload is still there. Where a store can't tie that to the change itself (R2), it
 *   is looked at right before. It rejects with `UploadUnknown` where this key has no such upload, or `tags` are not those
 *   of all its pieces, or these don't come to `size`; and with a `StorageFault` as `put` does. Afterwards the upload is
 *   gone.
 * - `abandon` gives an upload of this key up, with its pieces. It resolves also where it is gone, or never was.
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
