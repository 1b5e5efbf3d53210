import { progress } from '../../src/cli/progress.ts'
import { type Exchange, get, getFromNewNetwork } from './client.ts'
import { openLane, type Tally } from './load.ts'
import { type Memory, memory, resetPeak } from './process-facts.ts'
import { type Figures, figuresOf } from './statistics.ts'
import { type BenchWorker, OBJECTS, type Workers } from './workers.ts'

/** One of those that a scenario compares. */
export interface Contender {
  readonly name: string
  readonly worker: BenchWorker
  /** Makes the next request. */
  readonly exchange: () => Exchange
}

/** The same work for several workers. */
export interface Scenario {
  readonly name: string
  /** Bytes that one request delivers; 0 where it delivers none. */
  readonly bytes: number
  readonly connections: number
  /** Requests that warm a worker up. */
  readonly warmUp: number
  readonly rounds: number
  /** How often it is each contender's turn within a round, and the requests of one turn. */
  readonly turns: number
  readonly requests: number
  readonly contenders: readonly Contender[]
}

/** What a contender came to. */
export interface Result {
  readonly name: string
  /** One per round; those of one round stand at the same place for all contenders. */
  readonly rounds: readonly Figures[]
  /** Of the worker's process at the end of the scenario. */
  readonly memory: Memory
}

/** A scenario with what it measured. */
export interface Measured {
  readonly scenario: Scenario
  readonly results: readonly Result[]
}

const RANGE = 64 * 1024

/** What the workers are asked for. */
export interface Scenarios {
  /** A player that seeks: 64 KiB from anywhere in a recording, with a token that was seen before. */
  readonly ranges: Scenario
  readonly small: Scenario
  readonly large: Scenario
  /** What is refused and recorded, beside the least that records. */
  readonly refusals: Scenario
}

/** Makes the scenario of a player that seeks, for some workers. */
export function rangesOf(workers: readonly BenchWorker[], token: string): Scenario {
  const exchange = (): Exchange => {
    const offset = Math.floor(Math.random() * (OBJECTS.seekable.size - RANGE))
    const headers = { Authorization: `Bearer ${token}`, Range: `bytes=${offset}-${offset + RANGE - 1}` }
    return { request: get(OBJECTS.seekable.path, headers), status: 206, length: RANGE }
  }
  return {
    name: '64 KiB ranges',
    bytes: RANGE,
    connections: 16,
    warmUp: 1500,
    rounds: 19,
    turns: 6,
    requests: 100,
    contenders: workers.map(worker => ({ name: worker.name, worker, exchange })),
  }
}

/** Makes the scenario of a patient who asks for another one's recording, each time from another network, for some gates. */
export function refusalsOf(workers: readonly BenchWorker[], token: string): Scenario {
  const exchange = (): Exchange => ({
    request: getFromNewNetwork(OBJECTS.foreign.path, { Authorization: `Bearer ${token}` }),
    status: 404,
    recorded: true,
  })
  return { ...REFUSALS, contenders: workers.map(worker => ({ name: worker.name, worker, exchange })) }
}

const REFUSALS = {
  name: 'refusals',
  bytes: 0,
  // A refusal may wait for its beat before it leaves: with so many on the way there is work meanwhile.
  connections: 64,
  warmUp: 800,
  rounds: 11,
  turns: 2,
  requests: 256,
} as const

/** Makes the scenarios for running workers. */
export function scenariosOf({ bare, naive, mediaward, bareInsert, token }: Workers): Scenarios {
  const bearer = { Authorization: `Bearer ${token}` }
  // The worker that looks at no token is sent one too: reading the header is not what is compared.
  const whole = ({ path, size }: { path: string; size: number }): Exchange => ({
    request: get(path, bearer),
    status: 200,
    length: size,
  })
  const small = whole(OBJECTS.small)
  const large = whole(OBJECTS.large)
  const piped = whole({ ...OBJECTS.large, path: `${OBJECTS.large.path}?pipe` })
  const foreign: Exchange = { request: get(OBJECTS.foreign.path, bearer), status: 404 }
  const fromNewNetwork = (headers: Record<string, string>, status: number): Exchange => ({
    request: getFromNewNetwork(OBJECTS.foreign.path, headers),
    status,
    recorded: true,
  })
  const readFirst: Exchange = { request: get(`${OBJECTS.foreign.path}?read`, bearer), status: 404 }
  const all = (exchange: () => Exchange): readonly Contender[] =>
    [bare, naive, mediaward].map(worker => ({ name: worker.name, worker, exchange }))
  return {
    ranges: rangesOf([bare, naive, mediaward], token),
    small: {
      name: '1 MiB objects',
      bytes: OBJECTS.small.size,
      connections: 8,
      warmUp: 100,
      rounds: 9,
      turns: 4,
      requests: 16,
      contenders: all(() => small),
    },
    large: {
      name: '256 MiB object',
      bytes: OBJECTS.large.size,
      connections: 1,
      warmUp: 1,
      rounds: 17,
      turns: 2,
      requests: 1,
      contenders: [...all(() => large), { name: 'bare that pipes', worker: bare, exchange: () => piped }],
    },
    refusals: {
      ...REFUSALS,
      contenders: [
        { name: 'bare-insert', worker: bareInsert, exchange: () => foreign },
        { name: 'bare-read-insert', worker: bareInsert, exchange: () => readFirst },
        { name: 'mediaward, not_owner', worker: mediaward, exchange: () => fromNewNetwork(bearer, 404) },
        { name: 'mediaward, not_owner again', worker: mediaward, exchange: () => foreign },
        { name: 'mediaward, token_missing', worker: mediaward, exchange: () => fromNewNetwork({}, 401) },
      ],
    },
  }
}

/**
 * Runs a scenario. Turns are short and their order changes, because a machine is faster in one second than in
 * the next: what is compared must have had the same seconds.
 */
export async function run(scenario: Scenario): Promise<Measured> {
  const { name, contenders, connections, warmUp, rounds, turns, requests } = scenario
  for (const { worker, exchange } of contenders) {
    const lane = await openLane(worker, connections)
    await lane.run(warmUp, exchange)
    lane.close()
    resetPeak(worker.pids)
  }
  const figures: Figures[][] = contenders.map(() => [])
  for (let round = 0; round < rounds; round++) {
    progress(name, round, rounds)
    const lanes = await Promise.all(
      contenders.map(async ({ worker, exchange }) => ({
        lane: await openLane(worker, connections),
        exchange,
        tallies: [] as Tally[],
      })),
    )
    for (let turn = 0; turn < turns; turn++) {
      for (const { lane, exchange, tallies } of reordered(lanes, round + turn)) {
        tallies.push(await lane.run(requests, exchange))
      }
    }
    for (const [index, { lane, tallies }] of lanes.entries()) {
      lane.close()
      figures[index]?.push(figuresOf(tallies))
    }
  }
  progress(name, rounds, rounds)
  const results = contenders.map(({ name, worker }, index) => ({
    name,
    rounds: figures[index] ?? [],
    memory: memory(worker.pids),
  }))
  return { scenario, results }
}

/**
 * Another item first each time, and the other way round once each of them was: none always follows the same. (Turned
 * round every second time, an even number of items would have some that are never first.)
 */
function reordered<Item>(items: readonly Item[], time: number): readonly Item[] {
  const start = time % items.length
  const rotated = [...items.slice(start), ...items.slice(0, start)]
  return Math.floor(time / items.length) % 2 === 0 ? rotated : rotated.toReversed()
}
