import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ArchiveStore } from '../../archive/archive-store.ts'
import { diskFailed, isAbsent } from './disk-fault.ts'
import { discard, replaceDurably, syncFolder, writeDurably } from './durable-file.ts'

/**
 * Creates the archive in a folder, which is this process's alone.
 *
 * @param root an existing folder: names of objects are paths below it
 */
export function createArchiveFolder(root: string): ArchiveStore {
  const read = async (name: string) => {
    try {
      return new Uint8Array(await readFile(join(root, name)))
    } catch (error) {
      return isAbsent(error) ? undefined : diskFailed(error)
    }
  }
  return {
    read,

    async create(name, bytes) {
      if ((await read(name)) !== undefined) return false
      const path = join(root, name)
      const folder = dirname(path)
      const made = await mkdir(folder, { recursive: true, mode: 0o700 }).catch(diskFailed)
      if (made !== undefined) await syncFolder(dirname(made))
      const part = `${path}.part`
      // Of a crash.
      await discard(part)
      await writeDurably(part, [bytes], { size: bytes.length })
      await replaceDurably(part, path, folder)
      return true
    },

    async remove(name) {
      await rm(join(root, name), { force: true }).catch(diskFailed)
    },
  }
}
