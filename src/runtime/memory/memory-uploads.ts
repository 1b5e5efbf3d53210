import {
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  UploadUnknown,
} from '../../recordings/uploads.ts'
import { readBody, sha256Of } from './memory-bytes.ts'

interface Upload extends UploadOptions {
  readonly key: string
  readonly pieces: Map<number, { readonly tag: string; readonly bytes: Uint8Array<ArrayBuffer> }>
}

/** The uploads in pieces of a store in memory. */
export class MemoryUploads {
  readonly #uploads = new Map<string, Upload>()

  begin(key: string, options: UploadOptions): string {
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

  /**
   * Assembles the bytes of an upload, and returns them with what it was begun with.
   *
   * @throws UploadUnknown
   */
  assemble(
    key: string,
    id: string,
    { tags, size }: CompleteOptions,
  ): UploadOptions & { readonly bytes: Uint8Array<ArrayBuffer> } {
    const upload = this.#known(key, id)
    const pieces = tags.map((tag, index) => {
      const piece = upload.pieces.get(index + 1)
      if (piece?.tag !== tag) throw new UploadUnknown()
      return piece.bytes
    })
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
    if (bytes.length !== size || upload.size !== size) throw new UploadUnknown()
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    return { ...upload, bytes }
  }

  abandon(key: string, id: string): void {
    if (this.#uploads.get(id)?.key === key) this.#uploads.delete(id)
  }

  #known(key: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.key !== key) throw new UploadUnknown()
    return upload
  }
}
