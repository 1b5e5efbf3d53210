import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import {
  createMemoryLedger,
  createMemorySpool,
  createMemoryStore,
} from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

const said = vi.spyOn(console, 'error')
const lines = () => said.mock.calls.map(([line]) => `${line}`)
let store: ReturnType<typeof createMemoryStore>
let ledger: ReturnType<typeof createMemoryLedger>
let gate: MemoryGate

/** A gate by the fake clock. */
const open = async (options: Parameters<typeof memoryGate>[0] = {}) => {
  gate = await memoryGate({ health: true, store, ledger, now: () => Date.now(), ...options })
  return gate
}
const ask = async (init?: RequestInit) => {
  const response = await gate.fetch('/readyz', init)
  return [response.status, await response.text()]
}
const READY = [200, 'ready']
const NOT_READY = [503, 'not ready']
const fail = () => Promise.reject(new StorageFault('the disk is gone'))

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  said.mockClear().mockReturnValue()
  store = createMemoryStore()
  ledger = createMemoryLedger()
})
afterEach(() => vi.useRealTimers())

describe('/readyz', () => {
  test('says ready if log, store and keys can be had, and leaves no record', async () => {
    await open()
    expect(await ask()).toEqual(READY)
    expect(await ask({ method: 'HEAD' })).toEqual([200, ''])
    expect(await gate.events()).toEqual([])
    expect(lines()).toEqual([])
  })

  test('is not there without the option health', async () => {
    await open({ health: false })
    expect((await ask())[0]).toBe(400)
  })

  test('has the methods of /healthz', async () => {
    await open()
    const refused = await gate.fetch('/readyz', { method: 'POST' })
    const preflight = await gate.fetch('/readyz', { method: 'OPTIONS' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect([preflight.status, preflight.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })

  test('says 503 and no more if the store fails, and the operator reads why once a change', async () => {
    const find = vi.spyOn(store, 'find')
    await open()
    find.mockImplementation(fail)
    expect(await ask()).toEqual(NOT_READY)
    expect(await ask({ method: 'HEAD' })).toEqual([503, ''])
    vi.setSystemTime(Date.now() + 5_000)
    expect(await ask()).toEqual(NOT_READY)
    expect(lines()).toEqual(['mediaward: not ready: the store of the recordings failed (the disk is gone)'])
    find.mockRestore()
    vi.setSystemTime(Date.now() + 5_000)
    expect(await ask()).toEqual(READY)
    expect(lines()).toHaveLength(2)
    expect(lines()[1]).toBe('mediaward: ready again')
    expect(await gate.events()).toEqual([])
  })

  test('never shows the message of an error that may hold anything', async () => {
    vi.spyOn(ledger, 'read').mockRejectedValue(new Error('/var/lib/patient-007'))
    await open()
    expect(await ask()).toEqual(NOT_READY)
    expect(lines().join()).not.toContain('patient-007')
    expect(lines().join()).toContain('the log failed')
  })

  test('is ready while the log fails and its spool answers, and not if both fail', async () => {
    const spool = createMemorySpool()
    const broken = { ...ledger, read: fail, spool }
    await open({ ledger: broken })
    expect(await ask()).toEqual(READY)
    spool.waiting = fail
    vi.setSystemTime(Date.now() + 5_000)
    expect(await ask()).toEqual(NOT_READY)
  })

  test('is ready with the keys of one issuer, and not without any', async () => {
    const { idp } = await open()
    const lost = {
      ...idp.entry(),
      issuer: 'https://lost.test',
      jwks: () => Promise.reject(new Error('down')),
    }
    await open({ issuers: [lost, idp.entry()] })
    expect(await ask()).toEqual(READY)
    await open({ issuers: [lost] })
    expect(await ask()).toEqual(NOT_READY)
    expect(lines().join()).toContain('the keys of the issuers failed (none can be had)')
  })

  test('makes one check at a time, and uses it for five seconds, however many ask', async () => {
    await open()
    const find = vi.spyOn(store, 'find')
    const read = vi.spyOn(ledger, 'read')
    const crowd = () => Promise.all(Array.from({ length: 100 }, () => ask()))
    expect(new Set((await crowd()).map(String))).toEqual(new Set(['200,ready']))
    vi.setSystemTime(Date.now() + 4_999)
    await crowd()
    expect([find.mock.calls.length, read.mock.calls.length]).toEqual([1, 1])
    vi.setSystemTime(Date.now() + 1)
    await crowd()
    expect([find.mock.calls.length, read.mock.calls.length]).toEqual([2, 2])
    // Also after the clock was set back.
    vi.setSystemTime(Date.now() - 3_600_000)
    await crowd()
    expect(find).toHaveBeenCalledTimes(3)
  })

  test('says 503 if a part does not answer within three seconds, whose caller waits no longer', async () => {
    const find = vi.spyOn(store, 'find')
    await open()
    find.mockReturnValue(new Promise(() => {}))
    const asked = [ask(), ask()]
    await vi.advanceTimersByTimeAsync(3_500)
    expect(await Promise.all(asked)).toEqual([NOT_READY, NOT_READY])
    expect(find).toHaveBeenCalledTimes(1)
  })
})
