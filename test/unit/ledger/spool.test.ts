import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import type { Ledger, LedgerEntry, LedgerSpool } from '../../../src/ledger/ledger.ts'
import { LEDGER_TIMEOUT, type SpooledLedger, withSpool } from '../../../src/ledger/spool.ts'
import { GroupCommit } from '../../../src/runtime/cloudflare/group-commit.ts'
import { createMemoryLedger, createMemorySpool } from '../../../src/runtime/memory/index.ts'

// What a ledger with a spool calls, and when. What comes of it with each real spool is in test/contract/spool.ts.

const entry = (id: string): LedgerEntry => ({ id, json: `{"id":"${id}","t":"2026-11-23T00:00:00.000Z"}` })
const fail = () => Promise.reject(new StorageFault('the disk is full'))
const hang = () => new Promise<never>(() => {})

let calls: string[]
let ledger: Ledger
let spool: LedgerSpool
let spooled: SpooledLedger
let logged: MockInstance<typeof console.error>

beforeEach(() => {
  logged = vi.spyOn(console, 'error').mockReturnValue()
  calls = []
  const ids = (entries: readonly LedgerEntry[]) => entries.map(({ id }) => id).join()
  const memory = createMemoryLedger()
  ledger = {
    ...memory,
    append: async entries => {
      calls.push(`append ${ids(entries)}`)
      return memory.append(entries)
    },
    read: async query => {
      calls.push('read')
      return memory.read(query)
    },
  }
  const kept = createMemorySpool()
  spool = {
    keep: async one => {
      calls.push(`keep ${one.id}`)
      await kept.keep(one)
    },
    waiting: async (limit, after = '') => {
      calls.push(`waiting ${limit}${after && ` after ${after}`}`)
      return kept.waiting(limit, after)
    },
    drop: async dropped => {
      calls.push(`drop ${dropped.join()}`)
      await kept.drop(dropped)
    },
  }
  spooled = withSpool(ledger, spool)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Puts entries into the spool, as an outage does. */
async function keep(...ids: string[]): Promise<void> {
  for (const id of ids) await spool.keep(entry(id))
  calls.length = 0
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `record-${1000 + i}`)

/** Makes the ledger fail for the records whose ids begin so. */
function failFor(prefix: string): void {
  const { append } = ledger
  ledger.append = entries => (entries.some(({ id }) => id.startsWith(prefix)) ? fail() : append(entries))
}

describe('append', () => {
  test('an append that the ledger confirms leaves the spool alone', async () => {
    await spooled.append([entry('a')])
    await spooled.append([entry('a'), entry('b')])
    expect(calls).toEqual(['append a', 'append a,b'])
    expect(logged).not.toHaveBeenCalled()
  })

  test('an append that the ledger refuses is not tried again, and the spool keeps each of its entries', async () => {
    let tries = 0
    ledger.append = () => {
      tries += 1
      return fail()
    }
    await spooled.append([entry('a'), entry('b')])
    expect([tries, calls]).toEqual([1, ['keep a', 'keep b']])
    expect(logged.mock.calls).toEqual([
      ['mediaward: the ledger took no record, the spool keeps it: the disk is full'],
    ])
  })

  test('the operator reads that the spool keeps a record, and nothing of an error that may contain anything', async () => {
    ledger.append = () => Promise.reject(new Error('could not insert patient-007'))
    await spooled.append([entry('a')])
    expect(logged.mock.calls).toEqual([
      [
        'mediaward: the ledger took no record, the spool keeps it: its error is not a StorageFault, so its message is not shown',
      ],
    ])
  })

  test('an append that the ledger does not confirm within two seconds is kept in the spool', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ledger.append = hang
    const appended = spooled.append([entry('a')])
    await vi.advanceTimersByTimeAsync(LEDGER_TIMEOUT - 1)
    expect([LEDGER_TIMEOUT, calls]).toEqual([2000, []])
    await vi.advanceTimersByTimeAsync(1)
    await appended
    expect(calls).toEqual(['keep a'])
    expect(logged.mock.calls).toEqual([
      ['mediaward: the ledger took no record, the spool keeps it: took over 2000 ms'],
    ])
  })

  test('an append resolves only when the spool has all of its entries', async () => {
    ledger.append = fail
    const { promise, resolve } = Promise.withResolvers<void>()
    spool.keep = ({ id }) => (id === 'b' ? promise : Promise.resolve())
    let appended = false
    const appending = spooled.append([entry('a'), entry('b')]).then(() => {
      appended = true
    })
    await new Promise(done => setTimeout(done, 20))
    expect(appended).toBe(false)
    resolve()
    await appending
  })

  test('an append rejects if neither the ledger nor the spool confirms it', async () => {
    ledger.append = fail
    spool.keep = ({ id }) => (id === 'b' ? Promise.reject(new Error('no spool')) : Promise.resolve())
    await expect(spooled.append([entry('a'), entry('b')])).rejects.toThrow('no spool')
    spool.keep = hang
    await expect(withSpool(ledger, spool, 20).append([entry('a')])).rejects.toThrow('took over 20 ms')
  })
})

describe('replay', () => {
  test('a replay drops records from the spool once the ledger has them, and not before', async () => {
    await keep('a', 'b')
    expect(await spooled.replay()).toBe(2)
    expect(calls).toEqual(['waiting 100', 'append a,b', 'drop a,b', 'waiting 100 after b'])
    expect(await spooled.replay()).toBe(0)
  })

  test('a replay drops a record that the ledger already has, and the log holds it once', async () => {
    await spooled.append([entry('a')])
    await keep('a')
    expect(await spooled.replay()).toBe(1)
    expect(await spool.waiting(10)).toEqual([])
    expect((await spooled.read({ limit: 10 })).entries).toHaveLength(1)
  })

  test('a replay drops nothing from the spool if the ledger fails', async () => {
    await keep('a')
    ledger.append = fail
    await expect(spooled.replay()).rejects.toThrow('the disk is full')
    expect(calls).toEqual(['waiting 100', 'waiting 100 after a'])
    expect(await spool.waiting(10)).toEqual([entry('a')])
  })

  test('a replay brings back all records, a hundred at once', async () => {
    await keep(...numbered(250))
    expect(await spooled.replay()).toBe(250)
    expect(calls.filter(call => call.startsWith('append')).map(call => call.split(',').length)).toEqual([
      100, 100, 50,
    ])
    expect((await spooled.read({ limit: 1000 })).entries).toHaveLength(250)
  })

  test('a replay with a limit leaves the rest to the next one', async () => {
    await keep(...numbered(250))
    expect([await spooled.replay(200), await spooled.replay(200)]).toEqual([200, 50])
    expect(await spool.waiting(10)).toEqual([])
  })

  test('a replay brings back the records of one shard while another one fails, and rejects with its failure', async () => {
    await keep('a', 'full-1', 'b', 'full-2')
    failFor('full')
    await expect(spooled.replay()).rejects.toThrow('the disk is full')
    expect(calls).toContain('drop a,b')
    expect(await spool.waiting(10)).toEqual([entry('full-1'), entry('full-2')])
  })

  test('a record that cannot be stored holds up none that the ledger would send with it', async () => {
    await keep('a', 'bad', 'b', 'c')
    const { append } = ledger
    const group = new GroupCommit()
    const send = (entries: readonly LedgerEntry[]) =>
      entries.some(({ id }) => id === 'bad') ? fail() : append(entries)
    const grouping = { ...ledger, append: (entries: readonly LedgerEntry[]) => group.append(entries, send) }
    await expect(withSpool({ ...grouping, appendAlone: send }, spool).replay()).rejects.toThrow()
    expect(await spool.waiting(10)).toEqual([entry('bad')])
  })

  test('a replay goes on where the last one ended, and begins again after the last record', async () => {
    await keep(...numbered(150).map(id => `full-${id}`), 'good')
    failFor('full')
    // A hundred are sent twice. Those before `good` would hold it up for ever.
    await expect(spooled.replay(200)).rejects.toThrow()
    expect(calls).toEqual(['waiting 100'])
    await expect(spooled.replay(200)).rejects.toThrow()
    expect(calls.slice(1)).toEqual([
      'waiting 100 after full-record-1099',
      'append good',
      'drop good',
      'waiting 100 after good',
    ])
    expect((await spooled.read({ limit: 10 })).entries.map(({ id }) => id)).toEqual(['good'])
    calls.length = 0
    await expect(spooled.replay(200)).rejects.toThrow()
    expect(calls).toEqual(['waiting 100'])
  })

  test('a replay waits ten seconds for a ledger that does not answer, then tries its records one by one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await keep('a', 'hangs')
    const { append } = ledger
    ledger.append = entries => (entries.some(({ id }) => id === 'hangs') ? hang() : append(entries))
    const replayed = expect(spooled.replay()).rejects.toThrow('took over 10000 ms')
    await vi.advanceTimersByTimeAsync(9_999)
    expect(calls).toEqual(['waiting 100'])
    await vi.advanceTimersByTimeAsync(10_001)
    await replayed
    expect(await spool.waiting(10)).toEqual([entry('hangs')])
  })

  test('a replay of an empty spool does not call the ledger', async () => {
    expect(await spooled.replay()).toBe(0)
    expect(calls).toEqual(['waiting 100'])
  })

  test('a replay rejects if the spool cannot be read, or does not drop what the ledger has', async () => {
    await keep('a')
    spool.drop = fail
    await expect(spooled.replay()).rejects.toThrow('the disk is full')
    spool.waiting = fail
    await expect(spooled.replay()).rejects.toThrow('the disk is full')
  })
})

test('a read asks the ledger alone, and shows no record that waits in the spool', async () => {
  await keep('a')
  expect((await spooled.read({ limit: 10 })).entries).toEqual([])
  expect(calls).toEqual(['read'])
})
