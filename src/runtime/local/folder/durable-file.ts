import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { diskFailed } from './disk-fault.ts'

/** What was written. */
export interface Written {
  readonly size: number
  /** SHA-256 of the bytes, hexadecimal. */
  readonly digest: string
}

/**
 * Writes a stream into a new file. Resolves when the bytes are on the disk; on failure nothing is left.
 *
 * @param size exactly so many bytes must come
 * @throws StorageFault where the disk fails; Error where the stream does, or is not as long as it should be
 */
export async function writeDurably(
  path: string,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
): Promise<Written> {
  // Exclusive: it follows no link that somebody laid there, and overwrites nothing.
  const file = await open(path, 'wx', 0o600).catch(diskFailed)
  try {
    const hash = createHash('sha256')
    let at = 0
    for await (const chunk of bytes) {
      if (at + chunk.length > size) throw new Error(`more than the ${size} bytes came that were announced`)
      hash.update(chunk)
      at += await writeAll(file, chunk, at).catch(diskFailed)
    }
    if (at !== size) throw new Error(`${at} bytes came, ${size} were announced`)
    await file.sync().catch(diskFailed)
    return { size, digest: hash.digest('hex') }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** A write may take less than it is given: near a full disk, or beyond a limit. */
async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  let written = 0
  while (written < chunk.length) {
    written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten
  }
  return written
}

/** Puts a file in the place of another, or of none: at every moment the one or the other is there, whole. */
export async function replaceDurably(from: string, to: string, folder: string): Promise<void> {
  await rename(from, to).catch(diskFailed)
  await syncFolder(folder)
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY).catch(diskFailed)
  try {
    await handle.sync().catch(diskFailed)
  } finally {
    await handle.close()
  }
}
