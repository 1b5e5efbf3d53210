import {
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  UploadUnknown,
} from '../../recordings/uploads.ts'
import { bytesOf, sha256Of } from './memory-bytes.ts'

interface Upload extends UploadOptions {
  readonly key: string
  readonly pieces: Map<number, { readonly tag: string; readonly bytes: Uint8Array<ArrayBuffer> }>
}

/** The uploads in pieces of a store in memory. */
export interface MemoryUploads {
  begin(key: string, options: UploadOptions): string
  putPiece(
    key: string,
    id: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PieceOptions,
  ): Promise<string>
  /**
   * The whole, with what it was begun with.
   *
   * @throws UploadUnknown
   */
  whole(key: string, id: string, options: CompleteOptions): UploadOptions & { bytes: Uint8Array<ArrayBuffer> }
  abandon(key: string, id: string): void
}

/** Makes an empty collection. */
export function createMemoryUploads(): MemoryUploads {
  const uploads = new Map<string, Upload>()
  const known = (key: string, id: string): Upload => {
    const upload = uploads.get(id)
    if (upload?.key !== key) throw new UploadUnknown()
    return upload
  }

  return {
    begin(key, options) {
      const id = crypto.randomUUID()
      uploads.set(id, { ...options, key, pieces: new Map() })
      return id
    },

    async putPiece(key, id, body, options) {
      const { number } = options
      const { size, pieceSize } = known(key, id)
      const expected = Math.min(pieceSize, size - (number - 1) * pieceSize)
      if (expected !== options.size) throw new UploadUnknown()
      const bytes = await bytesOf(body, options)
      const tag = await sha256Of(bytes)
      known(key, id).pieces.set(number, { tag, bytes })
      return tag
    },

    whole(key, id, { tags, size }) {
      const upload = known(key, id)
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
    },

    abandon(key, id) {
      if (uploads.get(id)?.key === key) uploads.delete(id)
    },
  }
}
