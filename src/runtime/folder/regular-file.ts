import { closeSync, constants, fstatSync, openSync, realpathSync, type Stats } from 'node:fs'
import { StorageFault } from '../../base/storage-fault.ts'
import { diskFailed, isAbsent, LINK_FOUND } from './disk-fault.ts'

// These calls are synchronous: on a local disk each takes a few microseconds, and ten times as long on another thread.
// Only the bytes of recordings are read on other threads.

/**
 * Opens a regular file. Returns null if there is nothing at the path.
 *
 * @throws StorageFault if the path leads to a link, a folder or a pipe, or if the disk fails
 */
export function openRegular(path: string): { descriptor: number; stats: Stats } | null {
  // A link could lead out of the folder; opening a pipe would block the process.
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  let descriptor: number
  try {
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (isAbsent(error)) return null
    diskFailed(error)
  }
  try {
    const stats = fstatSync(descriptor)
    if (stats.isFile()) return { descriptor, stats }
    throw new StorageFault(
      'something in the recordings folder is not a regular file, but lies in the place of one: remove it',
    )
  } catch (error) {
    closeSync(descriptor)
    diskFailed(error)
  }
}

/**
 * Refuses a folder that is reached through a symbolic link: another user may be able to write what is behind it.
 *
 * @throws StorageFault
 */
export function refuseLinks(folder: string): void {
  let real: string
  try {
    real = realpathSync.native(folder)
  } catch (error) {
    diskFailed(error)
  }
  if (real !== folder) throw new StorageFault(LINK_FOUND)
}
