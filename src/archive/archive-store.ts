/**
 * Port: where the archive is kept. Its objects are written once and never changed.
 *
 * `create` resolves when the object is durable: to false if there is one with this name, which stays as it is. Of two
 * callers that create the same name at once, one is given true. `read` resolves to all bytes of an object, or to undefined if
 * it doesn't exist. `remove` resolves also then. Each rejects with a StorageFault if the store fails.
 */
export interface ArchiveStore {
  create(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  remove(name: string): Promise<void>
}

/** An archive in memory. */
export interface MemoryArchive extends ArchiveStore {
  /** The names of all objects, in the order of their characters. */
  readonly names: readonly string[]
}

/** Creates an archive in memory, for tests. */
export function createMemoryArchive(): MemoryArchive {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>()
  return {
    get names() {
      return [...objects.keys()].sort()
    },
    async create(name, bytes) {
      if (objects.has(name)) return false
      objects.set(name, bytes.slice())
      return true
    },
    read: async name => objects.get(name)?.slice(),
    async remove(name) {
      objects.delete(name)
    },
  }
}
