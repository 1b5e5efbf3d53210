import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { DigestMismatch } from '../../recordings/recording-store.ts'
import type { AnnouncedBytes } from '../../recordings/uploads.ts'
import { diskFailed } from './disk-fault.ts'

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * Writes a body into a new file. Resolves to the SHA-256 of its bytes, hexadecimal, when they are on the disk. Removes
 * the file when it fails.
 *
 * @throws StorageFault if the disk fails; DigestMismatch if the bytes have another digest; Error if the body fails, or
 *   has more or fewer bytes
 */
export function writeDurably(path: string, bytes: Bytes, announced: AnnouncedBytes): Promise<string> {
  return writeNew(path, bytes, announced, file => file.sync())
}

/** Writes a string into a new file, as {@link writeDurably} does. */
export async function writeTextDurably(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text)
  await writeDurably(path, [bytes], { size: bytes.length })
}

/** Does the same as {@link writeDurably} for a file that is not needed after a crash. */
export function writeTemporarily(path: string, bytes: Bytes, announced: AnnouncedBytes): Promise<string> {
  return writeNew(path, bytes, announced, async () => {})
}

function writeNew(
  path: string,
  bytes: Bytes,
  { size, sha256 }: AnnouncedBytes,
  finish: (file: FileHandle) => Promise<void>,
): Promise<string> {
  // "wx": an existing file is not overwritten, and a link that another user put here is not followed.
  return withFile(path, 'wx', async file => {
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
      return digest
    } catch (error) {
      await discard(path)
      throw error
    }
  })
}

/**
 * Removes a file that is no longer needed. Never rejects: the failure would hide the one that led here. Must be used
 * only for a file that is removed later anyway, at the next start or with its upload.
 */
export async function discard(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {})
}

/** How many bytes are copied at once. */
const COPIED_AT_ONCE = 1024 * 1024

/** Copies a file over the bytes of another, from a position on. Resolves when they are on the disk. */
export function copyInto(from: string, to: string, position: number): Promise<void> {
  return withFile(from, 'r', source =>
    withFile(to, 'r+', async target => {
      const buffer = new Uint8Array(COPIED_AT_ONCE)
      for (let at = 0; ; ) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length, at).catch(diskFailed)
        if (bytesRead === 0) break
        at += await writeAll(target, buffer.subarray(0, bytesRead), position + at).catch(diskFailed)
      }
      await target.sync().catch(diskFailed)
    }),
  )
}

/** Writes a whole chunk. One write may take less than it is given: near a full disk, or near a limit. */
async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  let written = 0
  while (written < chunk.length) {
    written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten
  }
  return written
}

/**
 * Renames a file to `to`, over any file of that name, and makes that durable. A reader finds the old file or the new
 * one, each whole.
 */
export async function replaceDurably(from: string, to: string, folder: string): Promise<void> {
  await rename(from, to).catch(diskFailed)
  await syncFolder(folder)
}

/** Makes durable which names are in a folder. */
export function syncFolder(folder: string): Promise<void> {
  const { O_RDONLY, O_DIRECTORY } = constants
  return withFile(folder, O_RDONLY | O_DIRECTORY, handle => handle.sync().catch(diskFailed))
}

/** Makes the bytes of a file durable that another run may have written. */
export function syncFile(path: string): Promise<void> {
  return withFile(path, 'r+', file => file.sync().catch(diskFailed))
}

/** Opens a file for some work, and closes it. On some disks only closing reports that a write failed. */
async function withFile<Value>(
  path: string,
  flags: string | number,
  work: (file: FileHandle) => Promise<Value>,
): Promise<Value> {
  const file = await open(path, flags, 0o600).catch(diskFailed)
  try {
    return await work(file)
  } finally {
    await file.close().catch(diskFailed)
  }
}
