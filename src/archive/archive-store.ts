/**
 * Port: where the archive is kept. Its objects are written once and never changed.
 *
 * `create` resolves when the object is durable: to false if there is one with this name, which stays as it is. Of two
 * callers that create the same name at once, one is given true. `read` resolves to all bytes of an object, or to undefined if
 * there is none. `list` resolves to the first names after `after`, in the order of their characters: none only if there are no
 * more. `remove` resolves also if there is no such object.
 *
 * Each rejects with a StorageFault if the store fails.
 */
export interface ArchiveStore {
  create(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  list(after?: string): Promise<readonly string[]>
  remove(name: string): Promise<void>
}

/** Creates an archive in memory, for tests. */
export function createMemoryArchive(): ArchiveStore {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>()
  return {
    async create(name, bytes) {
      if (objects.has(name)) return false
      objects.set(name, bytes.slice())
      return true
    },
    read: async name => objects.get(name)?.slice(),
    list: async (after = '') => [...objects.keys()].filter(name => name > after).sort(),
    async remove(name) {
      objects.delete(name)
    },
  }
}
