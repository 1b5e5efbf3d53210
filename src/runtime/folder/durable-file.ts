import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { DigestMismatch } from '../../recordings/recording-store.ts'
import { diskFailed } from './disk-fault.ts'

/** What was written. */
export interface Written {
  readonly size: number
  /** SHA-256 of the bytes, hexadecimal. */
  readonly digest: string
}

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * Writes a stream into a new file. Resolves when the bytes are on the disk; on failure nothing is left.
 *
 * @param size exactly so many bytes must come
 * @param sha256 the digest that they must have, hexadecimal
 * @throws StorageFault where the disk fails; DigestMismatch where the bytes are others; Error where the stream fails, or
 *   is not as long as it should be
 */
export function writeDurably(path: string, bytes: Bytes, size: number, sha256?: string): Promise<Written> {
  return writeNew(path, bytes, size, sha256, file => file.sync())
}

/** The same for a file that nobody needs after a crash. */
export function writeForNow(path: string, bytes: Bytes, size: number, sha256?: string): Promise<Written> {
  return writeNew(path, bytes, size, sha256, async () => {})
}

async function writeNew(
  path: string,
  bytes: Bytes,
  size: number,
  sha256: string | undefined,
  finish: (file: FileHandle) => Promise<void>,
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
    const digest = hash.digest('hex')
    if (sha256 !== undefined && digest !== sha256) throw new DigestMismatch()
    await finish(file).catch(diskFailed)
    return { size, digest }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** Bytes copied at once. */
const COPIED_AT_ONCE = 1024 * 1024

/** Copies a file over the bytes of another, from a position on, durably. */
export async function copyInto(from: string, to: string, position: number): Promise<void> {
  const source = await open(from, 'r').catch(diskFailed)
  try {
    const target = await open(to, 'r+').catch(diskFailed)
    try {
      const buffer = new Uint8Array(COPIED_AT_ONCE)
      for (let at = 0; ; ) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length, at).catch(diskFailed)
        if (bytesRead === 0) break
        at += await writeAll(target, buffer.subarray(0, bytesRead), position + at).catch(diskFailed)
      }
      await target.sync().catch(diskFailed)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
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
