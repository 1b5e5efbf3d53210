import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { logFault, StorageFault } from '../../../src/base/storage-fault.ts'
import { TimedOut } from '../../../src/base/timeout.ts'

const lines: string[] = []
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(line => void lines.push(line))
})
afterEach(() => {
  vi.restoreAllMocks()
  lines.length = 0
})

test('a storage fault is written to the console, with what it led to', () => {
  logFault('store_unavailable, event 1', new StorageFault('the disk is full: free some space'))
  expect(lines).toEqual(['mediaward: store_unavailable, event 1: the disk is full: free some space'])
})

test('a storage fault that caused another error is written to the console, and of several only the first', () => {
  const inner = new StorageFault('first', { cause: new StorageFault('second') })
  logFault('about', new Error('secret', { cause: new Error('secret', { cause: inner }) }))
  expect(lines).toEqual(['mediaward: about: first'])
})

test('the message of any other error is never written to the console', () => {
  for (const error of [
    undefined,
    null,
    'secret',
    new Error('secret'),
    { cause: new StorageFault('hidden') },
  ]) {
    logFault('about', error)
  }
  expect(lines).toEqual([])
})

test('a timeout is written to the console, also as the cause of another error', () => {
  logFault('about', new Error('secret', { cause: new TimedOut(2000) }))
  expect(lines).toEqual(['mediaward: about: took over 2000 ms'])
})

test('in place of the message of another error, the line says what the caller gives', () => {
  logFault('about', new Error('secret'), 'the reason is not shown')
  logFault('about', new Error('secret', { cause: new StorageFault('the disk is full') }), 'not this')
  expect(lines).toEqual(['mediaward: about: the reason is not shown', 'mediaward: about: the disk is full'])
})

test('a storage fault bears its name', () => expect(new StorageFault('x').name).toBe('StorageFault'))
