import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { MediawardOptions } from '../../../src/index.ts'
import { createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { countingStore } from '../../support/counting-store.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// A body that a request opens and doesn't send is closed. Left open, it would hold one of the few connections that a
// worker has, or a file descriptor.

beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue())

type Opening = Parameters<typeof countingStore>[1]
const OWNER = 'patient-1'
const PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n'

/** A gate with `rec-1`, and with a part whose name and type don't say that it is a playlist. */
async function open(opening?: Opening, options: Partial<MediawardOptions> = {}) {
  const memory = createMemoryStore()
  const { bodies, store } = countingStore(memory, opening)
  const gate = await memoryGate({ store, ...options })
  const put = async (content: string, owner = OWNER) => {
    const present = await memory.find('recordings/set/list')
    await memory.put('recordings/set/list', new Blob([content]).stream(), {
      size: content.length,
      contentType: 'application/octet-stream',
      ownership: { owner, issuer: gate.idp.issuer },
      replaces: present !== null && 'etag' in present ? present.etag : null,
    })
  }
  await put(PLAYLIST)
  const ask = (path: string, headers: Record<string, string> = {}, who = OWNER, method = 'GET') =>
    gate.ask(who, `/recordings/${path}`, { method, headers })
  const lastReason = async () => (await gate.events()).at(-1)?.reason
  return { ask, bodies, put, lastReason }
}

test.each([
  ['refused to another patient', 'patient-2', {}, 404],
  ['answered 304', OWNER, { 'if-none-match': '*' }, 304],
  ['answered 412', OWNER, { 'if-match': '"other"' }, 412],
])('the body of a request that is %s is closed unread', async (_, who, headers: object, status) => {
  const { ask, bodies } = await open()
  expect((await ask('rec-1', { ...headers }, who)).status).toBe(status)
  expect(bodies).toEqual({ opened: 1, read: 0, cancelled: 1 })
})

test('a HEAD request opens no body of media', async () => {
  const { ask, bodies } = await open()
  expect((await ask('rec-1', {}, OWNER, 'HEAD')).status).toBe(200)
  expect(bodies).toEqual({ opened: 0, read: 0, cancelled: 0 })
})

test('the body of a recording whose owner cannot be determined is closed unread', async () => {
  const { ask, bodies, lastReason } = await open(undefined, {
    owner: () => Promise.reject(new Error('down')),
  })
  expect((await ask('rec-1')).status).toBe(503)
  expect(await lastReason()).toBe('owner_unavailable')
  expect(bodies).toEqual({ opened: 1, read: 0, cancelled: 1 })
})

describe('objects whose first bytes decide what they are', () => {
  test('a playlist without a name that says so is opened again for its first bytes, and read once', async () => {
    const { ask, bodies } = await open()
    expect((await ask('set/list')).status).toBe(200)
    expect(bodies).toEqual({ opened: 2, read: 2, cancelled: 0 })
  })

  test('an object that is removed before its first bytes are read is answered 503', async () => {
    const { ask, bodies, lastReason } = await open(async time => (time === 2 ? null : undefined))
    expect((await ask('set/list')).status).toBe(503)
    expect(await lastReason()).toBe('store_unavailable')
    expect(bodies).toEqual({ opened: 1, read: 0, cancelled: 1 })
  })

  test('an object that is replaced before its first bytes are read is answered 503', async () => {
    const { ask, bodies, put } = await open(async time => {
      if (time === 2) await put('other bytes')
      return undefined
    })
    expect((await ask('set/list')).status).toBe(503)
    expect(bodies.opened).toBe(bodies.read + bodies.cancelled)
  })

  test('a playlist that gets another owner before it is read whole is refused to the first one', async () => {
    // A range of it is opened first, then its first bytes, then all of it.
    const { ask, bodies, put, lastReason } = await open(async time => {
      if (time === 3) await put(PLAYLIST, 'patient-2')
      return undefined
    })
    expect((await ask('set/list', { range: 'bytes=0-4' })).status).toBe(404)
    expect(await lastReason()).toBe('not_owner')
    expect(bodies).toEqual({ opened: 3, read: 1, cancelled: 2 })
  })
})
