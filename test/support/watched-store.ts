import type { RecordingStore } from '../../src/index.ts'
import { createMemoryStore } from '../../src/runtime/memory/index.ts'

/** A store in memory that writes down which of its methods are called. */
export function watchedStore(calls: string[]): RecordingStore {
  return new Proxy(createMemoryStore(), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...values: unknown[]) => {
        calls.push(String(name))
        return Reflect.apply(member, target, values)
      }
    },
  })
}
