import { describe, expect, test, vi } from 'vitest'
import { DeliveryFailure } from '../../../src/follow/delivery.ts'
import { createMemoryStates } from '../../../src/follow/states.ts'
import { entry, refused, Scene, T0, unavailable } from '../../support/followed.ts'

vi.spyOn(console, 'error').mockImplementation(() => {})

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('a follower', () => {
  test('hands all records over in order, in batches', async () => {
    const scene = new Scene()
    await scene.append(0, 25)
    await scene.settle()
    expect(scene.taken).toEqual(range(0, 25))
    expect(scene.calls.map(call => call.length)).toEqual([10, 10, 5])
    await scene.append(25, 1)
    await scene.settle()
    expect(scene.taken).toEqual(range(0, 26))
    expect(await scene.states.load('siem')).toMatchObject({ index: 26, failures: 0, lastSuccess: T0 })
  })

  test('begins at the end unless it is given a start, and remembers where that was', async () => {
    const scene = new Scene()
    await scene.append(0, 5)
    scene.from = 5
    expect(await scene.follower.step()).toBeUndefined()
    await scene.append(5, 2)
    scene.from = 7
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual([5, 6])
  })

  test('goes on after its last stored record when it is started again', async () => {
    const scene = new Scene()
    await scene.append(0, 25)
    await scene.follower.step()
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual(range(0, 25))
  })

  test('goes on after records that the archive has removed, and hands none over twice', async () => {
    const scene = new Scene()
    await scene.append(0, 50)
    const { read } = scene.ledger
    scene.ledger.read = async query => {
      const page = await read({ ...query, limit: 500 })
      return { ...page, entries: page.entries.filter(({ index }) => index >= 20).slice(0, query.limit) }
    }
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual(range(20, 50))
    expect(await scene.states.load('siem')).toMatchObject({ index: 50 })
  })

  test('hands records over again if a crash came before the state was stored, in order', async () => {
    const scene = new Scene()
    await scene.append(0, 5)
    const { save } = scene.states
    scene.states.save = async (name, state, dead) => {
      if (state.index > 0) throw new Error('the process was killed')
      return save(name, state, dead)
    }
    await expect(scene.follower.step()).rejects.toThrow('killed')
    scene.states.save = save
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual([...range(0, 5), ...range(0, 5)])
  })

  test('hands over next what a receiver had no time for, and takes it for no failure', async () => {
    const scene = new Scene()
    await scene.append(0, 5)
    scene.behave = entries => entries.map((_, i) => (i < 2 ? undefined : 'later'))
    await scene.settle()
    expect(scene.calls).toEqual([range(0, 5), range(2, 5), range(4, 5)])
    expect(scene.now).toBe(T0)
    expect(await scene.states.load('siem')).toEqual({ index: 5, failures: 0, lastSuccess: T0 })
  })

  test('loses nothing if a crash came before a batch was sent', async () => {
    const scene = new Scene()
    await scene.append(0, 5)
    scene.behave = () => new Promise(() => {})
    void scene.follower.step()
    await new Promise(resolve => setTimeout(resolve, 5))
    scene.behave = () => []
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual(range(0, 5))
  })

  test('leaves out what is not for the receiver, and stores its place in the log all the same', async () => {
    const scene = new Scene()
    await scene.append(0, 3)
    await scene.append(3, 1_200, { hidden: true })
    await scene.append(1_203, 1)
    await scene.settle()
    expect(scene.taken).toEqual([0, 1, 2, 1_203])
    await scene.append(1_204, 1_001, { hidden: true })
    await scene.settle()
    expect(await scene.states.load('siem')).toMatchObject({ index: 2_205 })
  })

  test('collects records for a while, but never more than a batch', async () => {
    const scene = new Scene()
    scene.collect = 200
    await scene.append(0, 3)
    expect(await scene.follower.step()).toBe(T0 + 200)
    await scene.append(3, 2)
    expect(await scene.follower.step()).toBe(T0 + 200)
    scene.now = T0 + 200
    await scene.settle()
    expect(scene.calls).toEqual([range(0, 5)])
    await scene.append(5, 11)
    await scene.follower.step()
    expect(scene.calls.at(-1)).toEqual(range(5, 15))
  })

  test('hands fewer records over together if they are large', async () => {
    const scene = new Scene()
    await scene.append(0, 10, { text: 'x'.repeat(60_000) })
    await scene.settle()
    expect(scene.calls.map(call => call.length)).toEqual([4, 4, 2])
  })

  test('says how far behind it is, in records and in seconds', async () => {
    const scene = new Scene()
    await scene.follower.step()
    expect(await scene.follower.status()).toMatchObject({ index: 0, behind: 0, behind_s: 0 })
    await scene.append(0, 12)
    scene.now = T0 + 90_000
    expect(await scene.follower.status()).toMatchObject({ behind: 12, behind_s: 90 })
    await scene.settle()
    expect(await scene.follower.status()).toMatchObject({ behind: 0, behind_s: 0, deadLetters: 0 })
  })
})

describe('an outage of the receiver', () => {
  test('loses none of 10,000 records, makes no dead letter, and all arrive once and in order', async () => {
    const scene = new Scene()
    scene.most = 500
    scene.behave = () => {
      throw unavailable()
    }
    await scene.append(0, 100)
    for (let i = 0; i < 50; i++) scene.now = Math.max(scene.now, (await scene.follower.step()) ?? 0)
    await scene.append(100, 9_900)
    // Three weeks, at most five minutes apart.
    for (let i = 0; i < 200; i++) scene.now = Math.max(scene.now, (await scene.follower.step()) ?? 0)
    expect(await scene.follower.status()).toMatchObject({ behind: 10_000, deadLetters: 0 })
    scene.behave = () => []
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual(range(0, 10_000))
    expect(await scene.states.countDeadLetters('siem')).toBe(0)
  })

  test('is retried with growing pauses and full jitter, and at most every five minutes', async () => {
    const scene = new Scene()
    scene.behave = () => {
      throw unavailable()
    }
    scene.random = 1
    await scene.append(0, 1)
    const pauses: number[] = []
    for (let i = 0; i < 12; i++) {
      const next = (await scene.follower.step()) ?? 0
      pauses.push(next - scene.now)
      scene.now = next
    }
    expect(pauses.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000])
    expect(pauses.at(-1)).toBe(300_000)
    scene.random = 0
    const next = (await scene.follower.step()) ?? 0
    expect(next - scene.now).toBe(100)
  })

  test('keeps its pause after a restart, and no record that comes meanwhile ends it', async () => {
    const scene = new Scene()
    scene.behave = () => {
      throw unavailable(60_000)
    }
    await scene.append(0, 1)
    const next = (await scene.follower.step()) ?? 0
    expect(next - T0).toBeGreaterThanOrEqual(60_000)
    scene.restart()
    await scene.append(1, 1)
    expect(await scene.follower.step()).toBe(next)
    expect(scene.calls).toHaveLength(1)
  })

  test('that hands out a Retry-After is not called before that time', async () => {
    const scene = new Scene()
    scene.random = 0
    scene.behave = () => {
      throw unavailable(120_000)
    }
    await scene.append(0, 1)
    expect(await scene.follower.step()).toBe(T0 + 120_000)
  })

  test('of an operator that must change something is retried slowly, and said', async () => {
    const scene = new Scene()
    scene.behave = () => {
      throw new DeliveryFailure('misconfigured', 'status 403: check the secret, and what it may do')
    }
    await scene.append(0, 1)
    for (let i = 0; i < 6; i++) scene.now = (await scene.follower.step()) ?? 0
    const next = (await scene.follower.step()) ?? 0
    expect(scene.calls).toHaveLength(7)
    expect(next - scene.now).toBeGreaterThanOrEqual(300_000)
    expect(await scene.states.load('siem')).toMatchObject({
      lastError: { message: expect.stringContaining('403') },
    })
  })

  test('that hangs ends when its time is over', async () => {
    vi.useFakeTimers()
    try {
      const scene = new Scene()
      await scene.append(0, 1)
      scene.behave = () => new Promise(() => {})
      const step = scene.follower.step()
      await vi.advanceTimersByTimeAsync(60_000)
      expect((await step) ?? 0).toBeGreaterThan(T0)
      expect((await scene.states.load('siem'))?.lastError?.message).toBe('took over 60000 ms')
    } finally {
      vi.useRealTimers()
    }
  })

  test('for some records of a batch keeps the others from being sent again', async () => {
    const scene = new Scene()
    await scene.append(0, 5)
    let isBusy = true
    scene.behave = entries =>
      entries.map(({ index }) => (isBusy && index % 2 === 1 ? unavailable() : undefined))
    await scene.follower.step()
    expect(await scene.states.load('siem')).toMatchObject({ index: 1, failures: 1 })
    isBusy = false
    await scene.settle()
    expect(scene.taken).toEqual([0, 2, 4, 1, 3])
  })
})

describe('a record that the receiver refuses', () => {
  const refusing = (bad: (index: number) => boolean) => (entries: readonly { index: number }[]) => {
    if (entries.some(({ index }) => bad(index))) throw refused()
    return []
  }

  test('becomes a dead letter after three tries, with its reason, and the others arrive', async () => {
    const scene = new Scene()
    await scene.append(0, 20)
    scene.behave = refusing(index => index === 4)
    await scene.settle()
    expect(scene.taken.toSorted((a, b) => a - b)).toEqual(range(0, 20).filter(index => index !== 4))
    expect(await scene.states.deadLetters('siem', 10)).toEqual([
      { index: 4, id: entry(4).id, reason: 'status 400', time: expect.any(Number) },
    ])
    expect(scene.calls.filter(call => call.length === 1 && call[0] === 4)).toHaveLength(3)
  })

  test('is found among those of which each has a status of its own', async () => {
    const scene = new Scene()
    await scene.append(0, 6)
    scene.behave = entries => entries.map(({ index }) => (index === 2 ? refused() : undefined))
    await scene.settle()
    expect(scene.taken).toEqual([0, 1, 3, 4, 5])
    expect((await scene.states.deadLetters('siem', 10)).map(({ index }) => index)).toEqual([2])
  })

  test('waits if the receiver refuses everything: that is an outage', async () => {
    const scene = new Scene()
    scene.most = 100
    await scene.append(0, 100)
    scene.behave = refusing(() => true)
    for (let i = 0; i < 100; i++) scene.now = Math.max(scene.now, (await scene.follower.step()) ?? 0)
    expect(await scene.states.countDeadLetters('siem')).toBe(0)
    expect(scene.calls.length).toBeLessThan(100 * 25)
    scene.behave = () => []
    await scene.settle()
    expect(scene.taken).toEqual(range(0, 100))
  })

  test('alone at the end of the log waits until another one is taken', async () => {
    const scene = new Scene()
    await scene.append(0, 1)
    scene.behave = refusing(index => index === 0)
    for (let i = 0; i < 20; i++) scene.now = Math.max(scene.now, (await scene.follower.step()) ?? 0)
    expect(await scene.states.countDeadLetters('siem')).toBe(0)
    await scene.append(1, 1)
    await scene.settle()
    expect(scene.taken).toEqual([1])
    expect(await scene.states.countDeadLetters('siem')).toBe(1)
  })

  test('is found even if thirty of them come first', async () => {
    const scene = new Scene()
    scene.most = 100
    await scene.append(0, 60)
    scene.behave = refusing(index => index < 30)
    await scene.settle()
    expect(scene.taken.toSorted((a, b) => a - b)).toEqual(range(30, 60))
    expect(await scene.states.countDeadLetters('siem')).toBe(30)
  })

  test('for a bug of the gate does not hold up those after it', async () => {
    const scene = new Scene()
    await scene.append(0, 8)
    scene.behave = entries => {
      if (entries.some(({ index }) => index === 3)) throw new TypeError('undefined is not an object')
      return []
    }
    await scene.settle()
    expect(scene.taken.toSorted()).toEqual([0, 1, 2, 4, 5, 6, 7])
    expect((await scene.states.deadLetters('siem', 2))[0]?.reason).toContain('the gate failed to write it')
  })

  test('for good is a dead letter at once, and is not handed over again', async () => {
    const scene = new Scene()
    await scene.append(0, 3)
    scene.behave = () => [new DeliveryFailure('rejected', 'rejected')]
    await scene.settle()
    expect(scene.calls).toEqual([[0, 1, 2]])
    expect(await scene.states.countDeadLetters('siem')).toBe(1)
  })
})

describe('a replay', () => {
  test('hands everything over again from an index on, also after a restart', async () => {
    const scene = new Scene()
    await scene.append(0, 8)
    await scene.settle()
    await scene.follower.rewind(5)
    scene.restart()
    await scene.settle()
    expect(scene.taken).toEqual([...range(0, 8), 5, 6, 7])
  })

  test('is not undone by a batch that is under way', async () => {
    const scene = new Scene()
    await scene.append(0, 8)
    let release = () => {}
    scene.behave = () =>
      new Promise(resolve => {
        release = () => resolve([])
      })
    const step = scene.follower.step()
    await vi.waitFor(() => expect(scene.calls).toHaveLength(1))
    await scene.follower.rewind(2)
    release()
    await step
    scene.behave = () => []
    await scene.settle()
    expect(scene.taken).toEqual([...range(0, 8), ...range(2, 8)])
  })

  test('of dead letters hands them over again, and buries those that are taken', async () => {
    const scene = new Scene()
    await scene.append(0, 6)
    scene.behave = entries => entries.map(({ index }) => (index === 2 || index === 4 ? refused() : undefined))
    await scene.settle()
    scene.behave = entries => entries.map(({ index }) => (index === 4 ? refused() : undefined))
    expect(await scene.follower.resendDead()).toBe(2)
    await scene.append(6, 1)
    await scene.settle()
    expect(scene.taken).toEqual([0, 1, 3, 5, 2, 6])
    expect((await scene.states.deadLetters('siem', 9)).map(({ index }) => index)).toEqual([4])
    expect(await scene.states.load('siem')).toMatchObject({ index: 7 })
  })

  test('ends a pause', async () => {
    const scene = new Scene()
    await scene.append(0, 2)
    scene.behave = () => {
      throw unavailable(600_000)
    }
    await scene.follower.step()
    scene.behave = () => []
    await scene.follower.noteTest()
    await scene.settle(3)
    expect(scene.taken).toEqual([0, 1])
    expect(scene.now).toBe(T0)
  })

  test('keeps when it went well, and what it failed with', async () => {
    const scene = new Scene()
    await scene.follower.noteTest('it answered 503')
    expect(await scene.states.load('siem')).toMatchObject({
      lastError: { at: T0, message: 'it answered 503' },
      failures: 0,
    })
    await scene.follower.noteTest()
    expect(await scene.follower.status()).toMatchObject({ lastSuccess: T0 })
  })

  test('that fails neither ends a pause nor begins one', async () => {
    const scene = new Scene()
    await scene.follower.noteTest('it answered 503')
    expect(await scene.states.load('siem')).not.toHaveProperty('retryAt')
    await scene.append(0, 1)
    scene.behave = () => {
      throw unavailable(600_000)
    }
    const retryAt = await scene.follower.step()
    expect(retryAt).toBeGreaterThan(T0)
    await scene.follower.noteTest('it answered 503')
    expect(await scene.states.load('siem')).toMatchObject({ failures: 1, retryAt })
  })
})

test('states in memory are a state for each name', async () => {
  const states = createMemoryStates()
  await states.save('a', { index: 1, failures: 0 })
  expect(await states.load('b')).toBeUndefined()
})
