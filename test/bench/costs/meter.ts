import { setTimeout as sleep } from 'node:timers/promises'
import { cpuBetween, cpuTimes, type ThreadTimes } from '../process-facts.ts'
import type { BenchWorker } from '../workers.ts'

/** What Cloudflare bills, by name, as test/workerd/metered.ts counts it; and `CPU ms`. */
export type Counts = ReadonlyMap<string, number>

/** After so long without a request, the log has pulled all records and all alarms have gone off, in milliseconds. */
const QUIET = 22_000

/** Reads the meters of a worker. */
export class Meter {
  readonly #worker: BenchWorker
  #counts: Counts = new Map()
  #cpu: ThreadTimes

  constructor(worker: BenchWorker) {
    this.#worker = worker
    this.#cpu = cpuTimes(worker.pids)
  }

  /** Asks for a path of the worker that is metered. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#worker.port}${path}`, init)
  }

  /** Returns what was counted since the last call. */
  async next(): Promise<Counts> {
    const counts = new Map(
      Object.entries((await (await this.ask('/metered')).json()) as Record<string, number>),
    )
    const cpu = cpuTimes(this.#worker.pids)
    counts.set('CPU ms', (this.#counts.get('CPU ms') ?? 0) + cpuBetween(this.#cpu, cpu))
    const since = new Map([...counts].map(([name, count]) => [name, count - (this.#counts.get(name) ?? 0)]))
    this.#counts = counts
    this.#cpu = cpu
    return since
  }

  /** Returns what was counted since the last call, once everything that follows from it is done. */
  async settled(): Promise<Counts> {
    await sleep(QUIET)
    return this.next()
  }
}

/** Adds up the counts whose names a pattern matches. */
export function sumOf(counts: Counts, names: RegExp): number {
  return [...counts].filter(([name]) => names.test(name)).reduce((sum, [, count]) => sum + count, 0)
}

/** Multiplies counts. */
export const scaled = (counts: Counts, by: number): Counts =>
  new Map([...counts].map(([name, count]) => [name, count * by]))

/** Adds counts up by name. */
export function added(...all: readonly Counts[]): Counts {
  const names = new Set(all.flatMap(counts => [...counts.keys()]))
  return new Map(
    [...names].map(name => [name, all.reduce((sum, counts) => sum + (counts.get(name) ?? 0), 0)]),
  )
}
