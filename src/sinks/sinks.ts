import { present } from '../base/present.ts'
import { DeliveryFailure } from '../follow/delivery.ts'
import type { FollowedLog } from '../follow/followed-log.ts'
import { Follower } from '../follow/follower.ts'
import { type FollowerClock, Followers } from '../follow/followers.ts'
import type { FollowerStates } from '../follow/states.ts'
import { VERSION } from '../ledger/event.ts'
import { eventId } from '../ledger/event-id.ts'
import type { ReadEntry } from '../ledger/ledger.ts'
import type { SinkControl, SinkReplay, SinkReplayed, SinkStatus, SinkTest } from './control.ts'
import type { FollowedSink } from './receiver.ts'

/** What sinks work with. */
export interface SinkServices {
  readonly log: FollowedLog
  readonly states: FollowerStates
  readonly clock: FollowerClock
  /** How many records the log had before anything was stored that new sinks must have. Default: those that it has then. */
  readonly size?: number
}

/** Most dead letters that a list has of each sink. */
const MAX_LISTED = 20

/** The sinks of a log, each a follower, in the process or object that has the log. */
export class Sinks implements SinkControl {
  readonly #services: SinkServices
  readonly #sinks: ReadonlyMap<string, { readonly sink: FollowedSink; readonly follower: Follower }>
  readonly #followers: Followers

  constructor(sinks: readonly FollowedSink[], services: SinkServices) {
    const { log, states, clock, size } = services
    this.#services = services
    const ending = async () => size ?? (await log.readFrom(0, 1)).size
    this.#sinks = new Map(
      sinks.map(sink => {
        const { name, from, receiver } = sink
        const begin = async () => (from === 'start' ? 0 : (from ?? ending()))
        const followed = { log, states, now: clock.now, random: Math.random }
        return [name, { sink, follower: new Follower(receiver, followed, begin) }]
      }),
    )
    this.#followers = new Followers(
      [...this.#sinks.values()].map(({ follower }) => follower),
      clock,
    )
  }

  /** Has the sinks go on. See `Followers.wake`. */
  wake(): Promise<void> {
    return this.#followers.wake()
  }

  /** Has them begin nothing more. */
  close(): void {
    this.#followers.close()
  }

  list(): Promise<readonly SinkStatus[]> {
    const sinks = [...this.#sinks].map(async ([name, { sink, follower }]) => ({
      name,
      type: sink.type,
      ...(await follower.status()),
      dead: await this.#services.states.deadLetters(name, MAX_LISTED),
    }))
    return Promise.all(sinks)
  }

  async test(name: string): Promise<SinkTest | undefined> {
    const sink = this.#sinks.get(name)
    if (sink === undefined) return undefined
    const failure = await this.#try(sink.sink)
    // Kept, so that a later look at the sink shows the same.
    await sink.follower.noteTest(failure)
    if (failure !== undefined) return { taken: false, failure }
    void this.wake()
    return { taken: true }
  }

  /** Hands a test record over. Resolves to why it was not taken. */
  async #try({ type, receiver }: FollowedSink): Promise<string | undefined> {
    const record = testRecord(this.#services.clock.now())
    // A pager makes an incident of it, which nothing else would end.
    const records = type === 'pagerduty' ? [record, endOf(record)] : [record]
    try {
      const outcomes = await receiver.deliver(records)
      return outcomes.find(outcome => outcome instanceof DeliveryFailure)?.message
    } catch (error) {
      return error instanceof DeliveryFailure ? error.message : 'the gate failed'
    }
  }

  async replay(name: string, { from, dead }: SinkReplay): Promise<SinkReplayed | undefined> {
    const sink = this.#sinks.get(name)
    if (sink === undefined) return undefined
    const { log } = this.#services
    const wanted = typeof from === 'string' ? await log.indexAt(from) : from
    // Beyond the end it would leave out what comes until then.
    const index = wanted && Math.min(wanted, (await log.readFrom(0, 1)).size)
    if (index !== undefined) await sink.follower.rewind(index)
    const count = dead ? await sink.follower.resendDead() : undefined
    void this.wake()
    return present({ from: index, dead: count })
  }
}

/** Creates a record that is no record of the log: its kind is `test` and its index is -1. */
function testRecord(now: number): ReadEntry {
  const id = eventId(now)
  const t = new Date(now).toISOString()
  const gate = { version: VERSION, isolate: 'test', seq: 0 }
  return {
    index: -1,
    id,
    json: JSON.stringify({ v: 1, id, t, recorded: t, tenant: 'default', kind: 'test', gate }),
  }
}

/** Creates the record that ends what a test record began. */
const endOf = (record: ReadEntry): ReadEntry => ({
  ...record,
  json: JSON.stringify({ ...JSON.parse(record.json), ended: true }),
})
