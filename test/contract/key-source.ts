import type { JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import type { KeySource } from '../../src/authenticate/key-source.ts'

// What every adapter of the port KeySource must do, whatever its own ways of failing are.

const keep = () => {}

export function keySourceContract(name: string, create: (keys: JSONWebKeySet) => KeySource): void {
  describe(`${name} as a key source`, () => {
    const keys: JSONWebKeySet = { keys: [{ kty: 'EC', kid: 'a' }] }

    test('a key source returns its keys, and the same object while they are the same', async () => {
      const source = create(keys)
      const first = await source.current(0, keep)
      expect(first).toEqual(keys)
      expect(await source.current(1, keep)).toBe(first)
      expect(await source.current(3_600_000, keep)).toBe(first)
    })

    test('seeking an unknown key changes nothing', async () => {
      const source = create(keys)
      const first = await source.current(0, keep)
      expect(await source.seeking('unknown', 1, keep)).toBe(first)
      expect(await source.current(2, keep)).toBe(first)
    })

    test('concurrent calls of a key source get the same keys', async () => {
      const source = create(keys)
      const all = await Promise.all(Array.from({ length: 20 }, () => source.current(0, keep)))
      expect(new Set(all).size).toBe(1)
    })
  })
}
