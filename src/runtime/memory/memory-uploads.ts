import { joined } from '../../base/bytes.ts'
import type { PutOptions } from '../../recordings/recording-store.ts'
import {
  type CompletedPart,
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  type Uploads,
  UploadUnknown,
} from '../../recordings/uploads.ts'
import { readBody, sha256Of } from './memory-bytes.ts'

/** What an object is stored with beside its key and its bytes. */
export type StoreOptions = Pick<PutOptions, 'contentType' | 'ownership' | 'replaces'>

/** Stores an object whole, unless `replaces` doesn't hold: then it resolves to null. */
type StoreWhole = (
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: StoreOptions,
) => Promise<CompletedPart | null>

interface Upload extends UploadOptions {
  readonly key: string
  readonly pieces: Map<number, { readonly tag: string; readonly bytes: Uint8Array<ArrayBuffer> }>
}

/** The uploads in pieces of a store in memory. */
export class MemoryUploads implements Uploads {
  readonly #store: StoreWhole
  readonly #uploads = new Map<string, Upload>()

  constructor(store: StoreWhole) {
    this.#store = store
  }

  async begin(key: string, options: UploadOptions): Promise<string> {
    const id = crypto.randomUUID()
    this.#uploads.set(id, { ...options, key, pieces: new Map() })
    return id
  }

  async putPiece(
    key: string,
    id: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PieceOptions,
  ): Promise<string> {
    const { number } = options
    const { size, pieceSize } = this.#known(key, id)
    const expected = Math.min(pieceSize, size - (number - 1) * pieceSize)
    if (expected !== options.size) throw new UploadUnknown()
    const bytes = await readBody(body, options)
    const tag = await sha256Of(bytes)
    this.#known(key, id).pieces.set(number, { tag, bytes })
    return tag
  }

  async complete(
    key: string,
    id: string,
    { tags, size, replaces }: CompleteOptions,
  ): Promise<CompletedPart | null> {
    const upload = this.#known(key, id)
    const pieces = tags.map((tag, index) => {
      const piece = upload.pieces.get(index + 1)
      if (piece?.tag !== tag) throw new UploadUnknown()
      return piece.bytes
    })
    const bytes = joined(
      pieces,
      pieces.reduce((sum, piece) => sum + piece.length, 0),
    )
    if (bytes.length !== size || upload.size !== size) throw new UploadUnknown()
    const stored = await this.#store(key, bytes, { ...upload, replaces })
    if (stored !== null) await this.abandon(key, id)
    return stored
  }

  async abandon(key: string, id: string): Promise<void> {
    if (this.#uploads.get(id)?.key === key) this.#uploads.delete(id)
  }

  #known(key: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.key !== key) throw new UploadUnknown()
    return upload
  }
}
