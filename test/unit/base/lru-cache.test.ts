import { describe, expect, test } from 'vitest'
import { LruCache } from '../../../src/base/lru-cache.ts'

const present = (cache: LruCache<number>, keys: string) =>
  [...keys].filter(key => cache.get(key) !== undefined)

describe('capacity', () => {
  test('a full cache evicts the value that was not used for the longest time, and returns it', () => {
    const cache = new LruCache<number>(2)
    expect(cache.set('a', 1)).toBeUndefined()
    expect(cache.set('b', 2)).toBeUndefined()
    expect(cache.get('a')).toBe(1)
    expect(cache.set('c', 3)).toBe(2)
    expect(present(cache, 'abc')).toEqual(['a', 'c'])
  })

  test('a value that is replaced in a full cache becomes its newest, and evicts no other', () => {
    const cache = new LruCache<number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.set('a', 10)).toBeUndefined()
    expect(cache.set('c', 3)).toBe(2)
    expect(cache.get('a')).toBe(10)
  })
})

describe('weight', () => {
  const weighing = () => new LruCache<number>(10, (value, key) => value + key.length)

  test('a cache by weight is full when all its values together weigh more than its capacity', () => {
    const cache = weighing()
    cache.set('a', 4)
    expect(cache.set('b', 4)).toBeUndefined()
    expect(cache.set('c', 0)).toBe(4)
    expect(present(cache, 'abc')).toEqual(['b', 'c'])
  })

  test('a cache by weight evicts as many values as it must, and returns the last', () => {
    const cache = weighing()
    for (const key of 'abcde') cache.set(key, 1)
    expect(cache.set('f', 5)).toBe(1)
    expect(present(cache, 'abcdef')).toEqual(['d', 'e', 'f'])
  })

  test('a cache by weight forgets the weight of the values that it replaced or evicted', () => {
    const cache = weighing()
    for (let i = 0; i < 100; i++) cache.set('a', 8)
    expect(cache.get('a')).toBe(8)
    cache.set('b', 8)
    expect(cache.set('c', 1)).toBe(8)
    expect(cache.set('d', 7)).toBeUndefined()
  })

  test('a cache by weight does not keep a value that alone is too heavy', () => {
    const cache = weighing()
    cache.set('a', 1)
    expect(cache.set('b', 10)).toBe(10)
    expect(present(cache, 'ab')).toEqual([])
  })
})
