import { Client, type Exchange } from './client.ts'
import { cpuBetween, cpuTimes } from './process-facts.ts'
import type { BenchWorker } from './workers.ts'

/** What some requests to one worker took. */
export interface Tally {
  /** Milliseconds from the first byte sent to the last byte received, of each request. */
  readonly times: readonly number[]
  /** Milliseconds for all of them. */
  readonly elapsed: number
  /** CPU time of the worker's processes in the meantime, in milliseconds. */
  readonly cpu: number
}

/** Connections to one worker, kept from request to request. */
export interface Lane {
  /**
   * Sends so many requests, each connection one after the other, as fast as they are answered. Rejects at the
   * first answer that isn't the expected one.
   */
  run(count: number, exchange: () => Exchange): Promise<Tally>
  close(): void
}

/** Opens a lane. The runtime closes connections that rest for some seconds, so a lane is for use at once. */
export async function openLane(worker: BenchWorker, connections: number): Promise<Lane> {
  const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(worker.port)))
  return {
    async run(count, exchange) {
      const times: number[] = []
      let left = count
      const cpuBefore = cpuTimes(worker.pids)
      const started = performance.now()
      await Promise.all(
        clients.map(async client => {
          while (left > 0) {
            left -= 1
            const sent = performance.now()
            await client.send(exchange())
            times.push(performance.now() - sent)
          }
        }),
      )
      const elapsed = performance.now() - started
      return { times, elapsed, cpu: cpuBetween(cpuBefore, cpuTimes(worker.pids)) }
    },
    close() {
      for (const client of clients) client.close()
    },
  }
}
