import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ControlObject } from '../../src/runtime/cloudflare/index.ts'
import { lockdown, readChanges } from '../contract/control.ts'

// The object of the restrictions while R2 is down, slow, or comes back.

const say = vi.fn<(line: string) => void>()
beforeEach(async () => {
  await reset()
  say.mockReset()
  vi.spyOn(console, 'error').mockImplementation(say)
})
afterEach(() => void vi.restoreAllMocks())

type State = 'down' | 'hangs' | 'up'

/** A bucket that fails or hangs, as it is told to. */
class MoodyBucket {
  state: State = 'up'
  /** Whether no object can be replaced or removed. */
  isLocked = false
  readonly objects = new Map<string, string>()

  async #answer<Value>(value: () => Value): Promise<Value> {
    if (this.state === 'down') throw new Error('secret (10001)')
    if (this.state === 'hangs') return new Promise(() => {})
    return value()
  }
  list({ prefix, startAfter = '', limit }: { prefix: string; startAfter?: string; limit: number }) {
    return this.#answer(() => ({
      objects: [...this.objects]
        .filter(([key]) => key.startsWith(prefix) && key > startAfter)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, body]) => ({ key, size: body.length }))
        .slice(0, limit),
    }))
  }
  get(key: string) {
    return this.#answer(() => {
      const body = this.objects.get(key)
      return body === undefined ? null : { text: async () => body }
    })
  }
  async put(key: string, body: string) {
    if (this.isLocked && this.objects.has(key)) throw new Error('locked (10069)')
    return this.#answer(() => void this.objects.set(key, body))
  }
  delete(keys: string[]) {
    return this.#answer(() => {
      for (const key of keys) this.objects.delete(key)
    })
  }
}

interface Trial {
  readonly bucket: MoodyBucket
  readonly state: DurableObjectState
  /** Starts the object, with what its tables hold. */
  start(): Promise<ControlObject>
}

/** Does a trial with an object whose bucket is in the test's hands. */
async function withObject(work: (trial: Trial) => Promise<void>): Promise<void> {
  await runInDurableObject(env.CONTROL.get(env.CONTROL.newUniqueId()), async (_, state) => {
    const bucket = new MoodyBucket()
    const started: Promise<unknown>[] = []
    // A test waits for the start, instead of all calls.
    vi.spyOn(state, 'blockConcurrencyWhile').mockImplementation(async run => {
      const starting = run()
      started.push(starting)
      return starting
    })
    await work({
      bucket,
      state,
      async start() {
        const object = Reflect.construct(ControlObject, [state, { AUDIT: bucket }]) as ControlObject
        await Promise.all(started)
        return object
      },
    })
  })
}

const epochs = async (object: ControlObject, after = 0) =>
  (await readChanges(object as never, after)).all.map(({ epoch }) => epoch)

test.each<[string, State, number]>([
  ['is down', 'down', 300],
  ['hangs', 'hangs', 1_500],
])('a lockdown is made while R2 %s, and is copied when R2 is back', async (_, mood, limit) => {
  await withObject(async ({ bucket, state, start }) => {
    const object = await start()
    bucket.state = mood
    const began = performance.now()
    expect(await object.add(lockdown(Date.now(), { reason: 'a leak' }))).toBe(1)
    expect(performance.now() - began).toBeLessThan(limit)
    expect(await epochs(object)).toEqual([1])
    expect(bucket.objects.size).toBe(0)
    expect(say.mock.calls).toEqual([
      [expect.stringMatching(/^mediaward: restrictions are not copied to R2 yet: (R2 failed|took over)/)],
    ])
    expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now())
    bucket.state = 'up'
    // The call that hangs is given up after a while, and the next change has it written, too.
    await vi.waitFor(
      async () => {
        await object.alarm()
        expect([...bucket.objects.values()].join()).toContain('rec-1')
      },
      { timeout: 15_000, interval: 100 },
    )
    expect([...bucket.objects.values()].join()).not.toContain('a leak')
  })
})

test('an object that starts while R2 is down takes calls within two seconds, and says so once', async () => {
  await withObject(async ({ bucket, start }) => {
    bucket.state = 'hangs'
    const began = performance.now()
    const object = await start()
    expect(performance.now() - began).toBeLessThan(2_500)
    expect(await object.add(lockdown(Date.now()))).toBe(1)
    expect(await object.add(lockdown(Date.now()))).toBe(2)
    expect(say).toHaveBeenCalledTimes(1)
  })
})

test.each<[string, State]>([
  ['is down', 'down'],
  ['hangs', 'hangs'],
])('an object that was set back answers no reader while R2 %s', async (_, mood) => {
  await withObject(async ({ bucket, state, start }) => {
    const before = await start()
    for (const value of ['a', 'b', 'c']) await before.add(lockdown(1, { value }))
    const { sql } = state.storage
    sql.exec('DELETE FROM restriction WHERE epoch > 1')
    sql.exec('UPDATE control SET epoch = 1, copied = 1')
    bucket.state = mood
    const object = await start()
    // One that has just started, one that knows as much, and one that knows more.
    for (const after of [0, 1, 3]) await expect(object.changes(after, 0)).rejects.toThrow('set back')
    bucket.state = 'up'
    await vi.waitFor(
      async () => {
        await object.alarm()
        expect(await epochs(object)).toEqual([1, 2, 3])
      },
      { timeout: 15_000, interval: 100 },
    )
    expect(await epochs(object, 1)).toEqual([2, 3])
  })
})

test('an object that R2 knows nothing of has its readers begin from the start when that is certain', async () => {
  await withObject(async ({ bucket, start }) => {
    bucket.state = 'down'
    const object = await start()
    await expect(object.changes(5, 0)).rejects.toThrow('set back')
    await object.add(lockdown(1))
    // It knows another change by this number.
    await expect(object.changes(1, 0, 'another')).rejects.toThrow('set back')
    bucket.state = 'up'
    await object.alarm()
    expect(await object.changes(5, 0)).toMatchObject({ epoch: 1, restart: true })
    expect(await object.changes(1, 0, 'another')).toMatchObject({ changes: [{ epoch: 1 }], restart: true })
  })
})

test('what was added while a set-back object could not reach R2 stays beside what it had lost', async () => {
  await withObject(async ({ bucket, state, start }) => {
    const before = await start()
    for (const value of ['a', 'b', 'c', 'd']) await before.add(lockdown(1, { value }))
    await before.undo(1, { by: 'x', at: 1, needsSecond: false })
    await before.undo(3, { by: 'x', at: 1, needsSecond: false })
    const { sql } = state.storage
    sql.exec('UPDATE restriction SET undone = NULL')
    sql.exec('DELETE FROM restriction WHERE epoch > 2')
    sql.exec('UPDATE control SET epoch = 2, copied = 2')

    bucket.state = 'down'
    const object = await start()
    expect(await object.add(lockdown(2, { value: 'new' }))).toBe(3)
    bucket.state = 'up'
    await object.alarm()
    const values = async (of: ControlObject) =>
      (await of.list()).map(({ value }) => value).sort((one, other) => (`${one}` < `${other}` ? -1 : 1))
    expect(await values(object)).toEqual(['b', 'd', 'new'])
    // Some readers know another change by the epoch 3: it is undone, and both are made again under others.
    const later = (await readChanges(object as never, 3)).all
    expect(later.map(change => ('undoes' in change ? change.undoes : change.value))).toEqual([
      3,
      'd',
      1,
      'new',
    ])
    // The copy is as the tables are.
    sql.exec('DELETE FROM restriction')
    sql.exec('UPDATE control SET epoch = 0, copied = 0')
    expect(await values(await start())).toEqual(['b', 'd', 'new'])
  })
})

test('a bucket whose objects can not be merged still gets every change, and all of them are read', async () => {
  await withObject(async ({ bucket, state, start }) => {
    bucket.isLocked = true
    const object = await start()
    for (let i = 0; i < 1_100; i++) await object.add(lockdown(1, { value: `rec-${i}` }))
    expect(bucket.objects.size).toBe(1_100)
    const { sql } = state.storage
    sql.exec('DELETE FROM restriction')
    sql.exec('UPDATE control SET epoch = 0, copied = 0')
    expect(await epochs(await start())).toHaveLength(1_100)
  })
})
