import type { RecordingStore } from '../../src/recordings/recording-store.ts'

/** Returns a store with some methods replaced. Spreading a store would lose the methods of its class. */
export function storeWith(store: RecordingStore, methods: Partial<RecordingStore>): RecordingStore {
  return new Proxy(store, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name)
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
