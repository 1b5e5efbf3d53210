import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Changes, Control } from '../../../src/control/control.ts'
import { ControlView, LOOK_EVERY } from '../../../src/control/control-view.ts'
import { createMemoryControl } from '../../../src/runtime/memory/memory-control.ts'

const waitUntil = () => {}
const HANGS = () => new Promise<never>(() => {})

/** A control that is asked through here, and can be away. */
class Watched {
  readonly real: Control = createMemoryControl(Date.now)
  asked: { readonly after: number; readonly wait: number }[] = []
  away: 'no' | 'fails' | 'hangs' = 'no'
  copy: (() => Promise<Changes>) | undefined

  get control(): Control {
    return {
      ...this.real,
      changes: (after, wait) => {
        this.asked.push({ after, wait })
        if (this.away === 'hangs') return HANGS()
        return this.away === 'fails' ? Promise.reject(new Error('away')) : this.real.changes(after, wait)
      },
      ...(this.copy && { copy: this.copy }),
    }
  }

  freeze = () => this.real.add({ kind: 'lockdown', scope: 'everything', at: Date.now(), by: 'psn_1' })
}

const isFrozen = async (view: ControlView, now = Date.now()): Promise<boolean> => {
  const restrictions = await view.current(waitUntil)
  const none = { recording: undefined, release: undefined, issued: undefined }
  const nobody = { tenants: [], subjects: [], actors: [], sessions: [], tokens: [] }
  return restrictions.lockdownOf({ ...none, ...nobody }, 'play', now) !== undefined
}

let watched: Watched
let view: ControlView
beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  watched = new Watched()
  view = new ControlView(watched.control, Date.now)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('requests', () => {
  test('many requests in a second ask at most twice, and many at once ask together', async () => {
    await Promise.all(Array.from({ length: 50 }, () => isFrozen(view)))
    expect(watched.asked).toHaveLength(1)
    for (let i = 0; i < 9; i++) {
      await vi.advanceTimersByTimeAsync(100)
      await isFrozen(view)
    }
    expect(watched.asked.length).toBeLessThanOrEqual(2)
  })

  test.each([
    [1, 2],
    [200, 2],
    [600, 4],
    [900, 4],
  ])(
    '500 requests a second to a control that takes %i ms ask at most %i times a second',
    async (latency, limit) => {
      const changes = async (after: number, wait: number): Promise<Changes> => {
        watched.asked.push({ after, wait })
        await new Promise(resolve => setTimeout(resolve, latency))
        return watched.real.changes(after, wait)
      }
      view = new ControlView({ ...watched.real, changes }, Date.now)
      let failed = 0
      for (let i = 0; i < 2_500; i++) {
        isFrozen(view).catch(() => failed++)
        await vi.advanceTimersByTimeAsync(2)
      }
      expect(watched.asked.length).toBeLessThanOrEqual(5 * limit + 1)
      expect(watched.asked.length).toBeGreaterThan(4)
      expect(failed).toBe(0)
    },
  )

  test('a question that was cut off is put by one of the requests that wait for its answer', async () => {
    watched.away = 'hangs'
    isFrozen(view).catch(() => {})
    watched.away = 'no'
    const answers = Promise.all(Array.from({ length: 50 }, () => isFrozen(view)))
    await vi.advanceTimersByTimeAsync(250)
    expect(await answers).toEqual(Array(50).fill(false))
    expect(watched.asked).toHaveLength(2)
  })

  test('a lockdown is obeyed by requests that come a second later, and its end, too', async () => {
    expect(await isFrozen(view)).toBe(false)
    const epoch = await watched.freeze()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await isFrozen(view)).toBe(true)
    await watched.real.undo(epoch, { by: 'psn_1', at: Date.now(), needsSecond: false })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await isFrozen(view)).toBe(false)
  })

  test('a page that is full is followed by the next one', async () => {
    for (let i = 0; i < 10_050; i++) {
      await watched.real.add({ kind: 'revocation', scope: 'session', value: `psn_${i}`, at: 0, by: 'psn_1' })
    }
    await watched.freeze()
    expect(await isFrozen(view)).toBe(true)
    expect(watched.asked.map(({ after }) => after)).toEqual([0, 10_000])
  })

  test('pages that take longer together than one answer may are read to the end', async () => {
    const changes = async (after: number): Promise<Changes> => {
      await new Promise(resolve => setTimeout(resolve, 400))
      return { changes: [], epoch: after + 1, more: after < 3 }
    }
    view = new ControlView({ ...watched.real, changes }, Date.now)
    const known = view.current(waitUntil)
    await vi.advanceTimersByTimeAsync(1_600)
    expect((await known).epoch).toBe(4)
  })
})

describe.each(['fails', 'hangs'] as const)('a control that %s', away => {
  const ask = async () => {
    const answer = isFrozen(view).then(
      frozen => frozen,
      (error: unknown) => (error as Error).message,
    )
    await vi.advanceTimersByTimeAsync(1_001)
    return answer
  }

  test('leaves the last state in force for ten seconds, and then nothing is permitted', async () => {
    expect(await ask()).toBe(false)
    watched.away = away
    const since = Date.now()
    while (Date.now() - since < 8_000) expect(await ask()).toBe(false)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await ask()).toBe('control_unavailable')
    watched.away = 'no'
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await ask()).toBe(false)
  })

  test('is replaced by the copy after ten seconds', async () => {
    const elsewhere = createMemoryControl(Date.now)
    watched.copy = () => elsewhere.changes(0, 0)
    view = new ControlView(watched.control, Date.now)
    expect(await ask()).toBe(false)
    watched.away = away
    await elsewhere.add({ kind: 'lockdown', scope: 'everything', at: 0, by: 'psn_1' })
    expect(await ask()).toBe(false)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await ask()).toBe(true)
  })

  test('keeps a gate that has just started from permitting anything', async () => {
    watched.away = away
    expect(await ask()).toBe('control_unavailable')
  })

  test('is not asked by each request, and its copy neither', async () => {
    let copies = 0
    watched.copy = async () => {
      copies += 1
      await new Promise(resolve => setTimeout(resolve, 150))
      return { changes: [], epoch: 0, more: false }
    }
    view = new ControlView(watched.control, Date.now)
    await ask()
    watched.away = away
    await vi.advanceTimersByTimeAsync(10_000)
    watched.asked = []
    let permitted = 0
    let refused = 0
    for (let i = 0; i < 2_000; i++) {
      isFrozen(view).then(
        () => permitted++,
        () => refused++,
      )
      await vi.advanceTimersByTimeAsync(5)
    }
    // In ten seconds.
    expect(watched.asked.length).toBeLessThan(45)
    expect(copies).toBeLessThan(45)
    expect(permitted).toBeGreaterThan(1_500)
    expect(refused).toBe(0)
  })

  test('is not waited for by each request', async () => {
    await ask()
    watched.away = away
    await vi.advanceTimersByTimeAsync(2_000)
    await ask()
    let waited = 0
    for (let i = 0; i < 20; i++) {
      const begun = Date.now()
      let isDone = false
      const answer = isFrozen(view).finally(() => {
        isDone = true
      })
      for (let ms = 0; ms < 1_100 && !isDone; ms += 10) await vi.advanceTimersByTimeAsync(10)
      await answer
      if (Date.now() - begun > 100) waited += 1
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(waited).toBeLessThanOrEqual(1)
  })
})

describe('streams', () => {
  const tick = async (streams: readonly object[], milliseconds: number) => {
    for (let ms = 0; ms < milliseconds; ms += LOOK_EVERY) {
      for (const stream of streams) Promise.resolve(view.forStream(stream)).catch(() => {})
      await vi.advanceTimersByTimeAsync(LOOK_EVERY)
    }
  }

  test('many streams have one question open, which is asked again every five seconds', async () => {
    await isFrozen(view)
    watched.asked = []
    const streams = Array.from({ length: 20 }, () => ({}))
    await tick(streams, 60_000)
    expect(watched.asked.length).toBeLessThanOrEqual(13)
    expect(new Set(watched.asked.map(({ wait }) => wait))).toEqual(new Set([5_000]))
  })

  test('a change reaches them within a look, and the next stream asks on when the one that asks has left', async () => {
    const [first, second] = [{}, {}]
    await tick([first, second], 2_000)
    view.left(first)
    await tick([second], 500)
    await watched.freeze()
    await tick([second], LOOK_EVERY)
    expect(view.known.epoch).toBe(1)
  })

  test('a stream that is ended with its question unanswered is replaced by another one within two seconds', async () => {
    const [dead, alive] = [{}, {}]
    watched.away = 'hangs'
    await tick([dead], 500)
    watched.away = 'no'
    await tick([alive], 1_500)
    await watched.freeze()
    await tick([alive], 500)
    expect(view.known.epoch).toBe(1)
  })

  test('they go on for ten seconds while nothing answers, and no longer', async () => {
    const stream = {}
    await tick([stream], 6_000)
    watched.away = 'fails'
    const outcomes: string[] = []
    for (let s = 0; s < 20; s++) {
      await Promise.resolve(view.forStream(stream)).then(
        () => outcomes.push('goes on'),
        () => outcomes.push('ends'),
      )
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(outcomes.indexOf('ends')).toBeGreaterThanOrEqual(4)
    expect(outcomes.indexOf('ends')).toBeLessThanOrEqual(15)
  })
})

describe('two answers that are under way at once', () => {
  /** Has the next answer wait: what it says was read before, or is read when it is let go. */
  function holding(reads: 'before' | 'after') {
    const { promise, resolve } = Promise.withResolvers<void>()
    const changes = async (after: number, wait: number): Promise<Changes> => {
      if (wait === 0) return watched.real.changes(after, 0)
      if (reads === 'after') await promise
      const page = await watched.real.changes(after, 0)
      await promise
      return page
    }
    view = new ControlView({ ...watched.real, changes }, Date.now)
    return resolve
  }

  test('hide no undo of what only the first one brought', async () => {
    const release = holding('after')
    await isFrozen(view)
    void view.forStream({})
    const epoch = await watched.freeze()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await isFrozen(view)).toBe(true)
    await watched.real.undo(epoch, { by: 'psn_1', at: Date.now(), needsSecond: false })
    release()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await isFrozen(view)).toBe(false)
  })

  test('bring nothing back that the later one has undone', async () => {
    const release = holding('before')
    await isFrozen(view)
    const epoch = await watched.freeze()
    void view.forStream({})
    await watched.real.undo(epoch, { by: 'psn_1', at: Date.now(), needsSecond: false })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await isFrozen(view)).toBe(false)
    release()
    await vi.advanceTimersByTimeAsync(100)
    expect(await isFrozen(view)).toBe(false)
    expect(view.known.epoch).toBe(2)
  })
})

describe('a view that can no longer know', () => {
  const HOUR = 3_600_000
  let time: number
  beforeEach(() => {
    vi.useRealTimers()
    time = 10 * HOUR
  })
  const ends = (view: ControlView) => isFrozen(view, time)
  const seconds = async (view: ControlView, count: number) => {
    for (let i = 0; i < count; i++) {
      time += 1_000
      await ends(view)
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  test('learns of a lockdown although its clock went back an hour', async () => {
    const control = createMemoryControl(() => time)
    view = new ControlView(control, () => time)
    expect(await ends(view)).toBe(false)
    time -= HOUR
    await control.add({ kind: 'lockdown', scope: 'everything', at: time, by: 'psn_1' })
    await seconds(view, 5)
    expect(await ends(view)).toBe(true)
  })

  test('forgets no lockdown because its clock was ahead for a while', async () => {
    const control = createMemoryControl(() => 10 * HOUR)
    view = new ControlView(control, () => time)
    await control.add({ kind: 'lockdown', scope: 'everything', at: time, by: 'psn_1', until: time + HOUR })
    expect(await ends(view)).toBe(true)
    time += 2 * HOUR
    await ends(view)
    time -= 2 * HOUR - 5_000
    await seconds(view, 5)
    expect(await ends(view)).toBe(true)
  })

  /** A control that answers one question, the first that is meant, only when it is let go. */
  function holding(control: Control, isMeant: (wait: number) => boolean) {
    const { promise, resolve } = Promise.withResolvers<void>()
    let isHeld = false
    const hold = () => {
      isHeld = true
    }
    const changes = async (after: number, wait: number): Promise<Changes> => {
      const waits = isHeld && isMeant(wait)
      if (waits) isHeld = false
      const page = await control.changes(after, 0)
      if (waits) await promise
      return page
    }
    const release = async () => {
      resolve()
      await new Promise(resolve => setImmediate(resolve))
    }
    return { control: { ...control, changes }, hold, release }
  }

  test('learns of a lockdown although its clock went back while a question was open', async () => {
    const real = createMemoryControl(() => time)
    const { control, hold, release } = holding(real, () => true)
    view = new ControlView(control, () => time)
    await ends(view)
    hold()
    time += 600
    await ends(view)
    time -= HOUR
    expect(await ends(view)).toBe(false)
    await release()
    await real.add({ kind: 'lockdown', scope: 'everything', at: time, by: 'psn_1' })
    time += 1_000
    expect(await ends(view)).toBe(true)
  })

  test.each([
    ['after it has read all again', true],
    ['before', false],
  ])(
    'forgets no lockdown by an answer to a question of before its clock went back that comes %s',
    async (_, isRead) => {
      const real = createMemoryControl(() => 10 * HOUR)
      const { control, hold, release } = holding(real, wait => wait > 0)
      view = new ControlView(control, () => time)
      await real.add({ kind: 'lockdown', scope: 'everything', at: time, by: 'psn_1', until: time + HOUR })
      expect(await ends(view)).toBe(true)
      time += 2 * HOUR
      await ends(view)
      hold()
      void view.forStream({})
      time -= 2 * HOUR - 5_000
      if (isRead) expect(await ends(view)).toBe(true)
      else void view.forStream({})
      await release()
      expect(await ends(view)).toBe(true)
      time += 600
      expect(await ends(view)).toBe(true)
    },
  )

  test('keeps what it knew until it has read all pages of what is in force', async () => {
    const locked = { epoch: 20_001, kind: 'lockdown', scope: 'everything' } as const
    let isHeld = false
    let release = () => {}
    let first = true
    const changes = async (after: number): Promise<Changes> => {
      if (first) return { changes: [locked], epoch: 30_000, more: false }
      if (after === 30_000) return { changes: [], epoch: 10_000, more: true, restart: true }
      await new Promise<void>(resolve => {
        isHeld = true
        release = resolve
      })
      return { changes: [locked], epoch: 20_002, more: false }
    }
    view = new ControlView({ ...createMemoryControl(() => time), changes }, () => time)
    expect(await ends(view)).toBe(true)
    first = false
    time += 600
    await ends(view)
    await vi.waitFor(() => expect(isHeld).toBe(true))
    expect(await ends(view)).toBe(true)
    release()
  })
})
