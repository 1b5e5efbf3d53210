import { createHash, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Uploads, UploadUnknown } from '../../recordings/uploads.ts'
import { copyInto, writeForNow } from './durable-file.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { Publish } from './publish.ts'
import { type Begun, sweep, UploadFolder } from './upload-folder.ts'

/** What the uploads of a folder store work with. */
export interface FolderUploadParts {
  /** The folder that they have theirs in. */
  readonly all: string
  /** The folder for what is on its way in; emptied when the process starts. */
  readonly incoming: string
  readonly exclusively: OneAtATime
  readonly now: () => number
  /** Throws where a key's object must not be replaced. */
  readonly factsToReplace: (key: string) => unknown
  readonly publish: Publish
  /** Takes away the bytes of a version that never came to be one. */
  readonly withdraw: (key: string, version: string) => Promise<void>
}

/**
 * The uploads in pieces of a folder store. They outlast the process; what nobody touched for 7 days is swept away, now
 * and whenever one begins.
 */
export function createFolderUploads(parts: FolderUploadParts): Uploads {
  const { all, incoming, exclusively, now, factsToReplace, publish, withdraw } = parts
  sweep(all, now())
  // Not the name of any key.
  const alone = <Value>(id: string, work: () => Promise<Value>) => exclusively(`upload:${id}`, work)

  return {
    async begin(key, options) {
      sweep(all, now())
      // Said before the first byte is sent, and not only when it is complete.
      factsToReplace(key)
      const id = randomBytes(16).toString('hex')
      await new UploadFolder(all, id).make(all, { ...options, key })
      return id
    },

    async putPiece(key, id, body, { number, size, sha256 }) {
      const folder = new UploadFolder(all, id)
      if (sizeOf(folder.read(key), number) !== size) throw new UploadUnknown()
      // On its way it has a file of its own: one that breaks off must not spoil the piece that it was to replace, and
      // nobody who sends slowly may keep another from sending it again.
      const coming = join(incoming, randomBytes(16).toString('hex'))
      const { digest } = await writeForNow(coming, body ?? [], size, sha256)
      try {
        await alone(id, async () => {
          const { pieceSize } = folder.read(key)
          if (folder.piece(number) === digest) return
          await folder.forgetPiece(number)
          await copyInto(coming, folder.bytes, (number - 1) * pieceSize)
          await folder.rememberPiece(number, digest)
        })
      } finally {
        await rm(coming, { force: true })
      }
      return digest
    },

    async complete(key, id, { tags, size, replaces }) {
      const folder = new UploadFolder(all, id)
      return alone(id, async () => {
        const begun = folder.read(key)
        const isWhole = begun.size === size && tags.length === countOf(begun)
        if (!isWhole || !tags.every((tag, index) => folder.piece(index + 1) === tag)) {
          throw new UploadUnknown()
        }
        const { pieceSize, ...facts } = begun
        const digest = createHash('sha256')
          .update(`${size} ${pieceSize}\n${tags.join('\n')}`)
          .digest('hex')
        const stored = await publish(folder.bytes, { ...facts, version: id, digest, replaces })
        if (stored !== null) await folder.remove()
        return stored
      })
    },

    async abandon(key, id) {
      await alone(id, async () => {
        const folder = new UploadFolder(all, id)
        folder.read(key)
        await withdraw(key, id)
        await folder.remove()
      }).catch((error: unknown) => {
        if (!(error instanceof UploadUnknown)) throw error
      })
    },
  }
}

const countOf = ({ size, pieceSize }: Begun): number => Math.ceil(size / pieceSize)

/** How many bytes a piece has; undefined where the whole has no such piece. */
function sizeOf(begun: Begun, number: number): number | undefined {
  const { size, pieceSize } = begun
  if (!Number.isInteger(number) || number < 1 || number > countOf(begun)) return undefined
  return Math.min(pieceSize, size - (number - 1) * pieceSize)
}
