import { DeliveryFailure, type Outcomes, type Receiver } from '../../src/follow/delivery.ts'
import { followLedger } from '../../src/follow/followed-log.ts'
import { Follower } from '../../src/follow/follower.ts'
import { createMemoryStates, type FollowerStates } from '../../src/follow/states.ts'
import type { Ledger, ReadEntry } from '../../src/ledger/ledger.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'

// A log in memory, a clock that a test moves, and a receiver that does what a test says.

export const T0 = Date.parse('2026-11-23T00:00:00.000Z')

const GATE = { version: '0.7.0', isolate: 'a', seq: 1 }

export const entry = (number: number, more: object = {}) => {
  const id = `id-${String(number).padStart(6, '0')}`
  const recorded = new Date(T0 + number).toISOString()
  return {
    id,
    json: JSON.stringify({
      id,
      t: recorded,
      recorded,
      tenant: 'default',
      gate: GATE,
      kind: 'access',
      ...more,
    }),
  }
}

/** What a receiver does with a batch. */
export type Behaviour = (entries: readonly ReadEntry[]) => Outcomes | Promise<Outcomes>

export class Scene {
  readonly ledger: Ledger = createMemoryLedger()
  states: FollowerStates = createMemoryStates()
  readonly taken: number[] = []
  readonly calls: number[][] = []
  now = T0
  random = 0.5
  behave: Behaviour = () => []
  most = 10
  collect = 0
  from = 0
  readonly receiver: Receiver
  follower: Follower

  constructor() {
    const scene = this
    this.receiver = {
      name: 'siem',
      get most() {
        return scene.most
      },
      get collect() {
        return scene.collect
      },
      select: entry => (entry.json.includes('"hidden"') ? undefined : entry),
      deliver: async entries => {
        scene.calls.push(entries.map(({ index }) => index))
        const outcomes = await scene.behave(entries)
        for (const [i, { index }] of entries.entries()) if (outcomes[i] === undefined) scene.taken.push(index)
        return outcomes
      },
    }
    this.follower = this.restart()
  }

  /** What a crash and a start make of the follower: only the stored state is left. */
  restart(): Follower {
    this.follower = new Follower(
      this.receiver,
      { log: followLedger(this.ledger), states: this.states, now: () => this.now, random: () => this.random },
      async () => this.from,
    )
    return this.follower
  }

  async append(first: number, count: number, more: object = {}): Promise<void> {
    await this.ledger.append(Array.from({ length: count }, (_, i) => entry(first + i, more)))
  }

  /** Steps, and moves the clock to when the follower wants to go on, until it is up to date. */
  async settle(steps = 1_000): Promise<void> {
    for (let i = 0; i < steps; i++) {
      const next = await this.follower.step()
      if (next === undefined) return
      this.now = Math.max(this.now, next)
    }
    throw new Error('the follower is not up to date')
  }
}

export const unavailable = (pause?: number) => new DeliveryFailure('unavailable', 'status 503', pause)
export const refused = () => new DeliveryFailure('refused', 'status 400')
