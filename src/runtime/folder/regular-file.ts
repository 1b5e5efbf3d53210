import { closeSync, constants, fstatSync, openSync, realpathSync, type Stats } from 'node:fs'
import { StorageFault } from '../../base/storage-fault.ts'
import { codeOf, diskFailed, LINK_FOUND } from './disk-fault.ts'

// Names and sizes are asked for synchronously: on a local disk each takes a few microseconds, and handing it to another
// thread ten times as long. Only the bytes of recordings are read by other threads.

/**
 * Opens a file that is one: no link, no folder, no pipe that would let us wait. Null where there is nothing.
 *
 * @throws StorageFault where there is something else, or the disk fails
 */
export function openRegular(path: string): { descriptor: number; stats: Stats } | null {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  let descriptor: number
  try {
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return null
    diskFailed(error)
  }
  const stats = fstatSync(descriptor)
  if (stats.isFile()) return { descriptor, stats }
  closeSync(descriptor)
  throw new StorageFault(
    'something that is no file lies in the recordings folder in the place of one: take it away',
  )
}

/**
 * Refuses a folder that is reached through a link: what is behind it may be anybody's to write.
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
