/** Runs work under a name. Work under the same name runs one at a time, in the order of the calls. */
export type KeyedLock = <Value>(name: string, work: () => Promise<Value>) => Promise<Value>

/**
 * Creates a lock with one queue per name. A queue exists only while it has work. Work that fails doesn't stop the work
 * behind it.
 */
export function createKeyedLock(): KeyedLock {
  const last = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const before = last.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }
}
