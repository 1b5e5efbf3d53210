/** Lets work on the same name wait for the work before it; work on other names goes on. */
export type OneAtATime = <Value>(name: string, work: () => Promise<Value>) => Promise<Value>

/** Makes a queue for each name, as long as there is work for it. */
export function oneAtATime(): OneAtATime {
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
