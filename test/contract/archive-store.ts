import { describe, expect, test } from 'vitest'
import type { ArchiveStore } from '../../src/archive/archive-store.ts'

// What every adapter of the port ArchiveStore must do; each adapter's test file runs this.

const bytes = (value: string) => Uint8Array.from(new TextEncoder().encode(value))
let count = 0
/** A name that no test has used. */
const name = () => `archive/${`${count++}`.padStart(16, '0')}.ndjson.gz`

export function archiveStoreContract(label: string, create: () => ArchiveStore): void {
  describe(`${label} as an archive`, () => {
    test('an object is read as it was created', async () => {
      const [store, one] = [create(), name()]
      const random = crypto.getRandomValues(new Uint8Array(60_000))
      expect(await store.create(one, random)).toBe(true)
      expect(await store.read(one)).toEqual(random)
    })

    test('an object that does not exist is undefined', async () => {
      expect(await create().read(name())).toBeUndefined()
    })

    test('an object is never overwritten: the second one that is created is not stored', async () => {
      const [store, one] = [create(), name()]
      expect(await store.create(one, bytes('first'))).toBe(true)
      expect(await store.create(one, bytes('second'))).toBe(false)
      expect(await store.create(one, bytes('first'))).toBe(false)
      expect(await store.read(one)).toEqual(bytes('first'))
    })

    test('an object that was removed is gone, and one that does not exist may be removed', async () => {
      const [store, one] = [create(), name()]
      await store.create(one, bytes('one'))
      await store.remove(one)
      await store.remove(one)
      expect(await store.read(one)).toBeUndefined()
    })
  })
}
