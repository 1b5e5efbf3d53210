import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Exchange } from './client.ts'
import { memory, resetPeak } from './process-facts.ts'
import type { BenchWorker } from './workers.ts'

/** The memory of a worker's process while many slow clients stream from it. All in MiB. */
export interface StreamingMemory {
  /** Resident before the first of them came. */
  readonly before: number
  /** Resident since all of them are being served, sampled at even intervals. */
  readonly samples: readonly number[]
  /** Most that was resident at any moment. */
  readonly peak: number
  /** What the clients received while the samples were taken. */
  readonly streamed: number
  /** How many of the clients had got any bytes by then. */
  readonly served: number
}

/** Slow clients that stream at the same time. */
export const STREAMS = 200

const MEBIBYTE = 2 ** 20
/** Bytes that a client takes at once, and milliseconds that it rests after it: some 600 KiB a second. */
const SIP = 64 * 1024
const REST = 100
/** Milliseconds in which every client should have got its first bytes. */
const PATIENCE = 20_000
/** Milliseconds from then until the buffers on the way are full and only what the clients take flows. */
const SETTLING = 5_000
/** How often memory is looked at, and the milliseconds between. */
const SAMPLES = 16
const INTERVAL = 500

/** Lets so many clients, each over its own connection, take one object slowly; ends them midway. */
export async function streamSlowly(
  worker: BenchWorker,
  exchange: Exchange,
  streams: number,
): Promise<StreamingMemory> {
  const before = memory(worker.pids).resident
  resetPeak(worker.pids)
  const readers = Array.from({ length: streams }, () => new SlowReader(worker.port, exchange))
  const sips = setInterval(() => {
    for (const reader of readers) reader.sip()
  }, REST)
  try {
    const latest = performance.now() + PATIENCE
    while (serving(readers) < streams && performance.now() < latest) await sleep(REST)
    await sleep(SETTLING)
    const begun = total(readers)
    const samples: number[] = []
    while (samples.length < SAMPLES) {
      await sleep(INTERVAL)
      samples.push(memory(worker.pids).resident)
    }
    const { peak } = memory(worker.pids)
    for (const reader of readers) reader.check(exchange)
    const streamed = (total(readers) - begun) / MEBIBYTE
    return { before, samples, peak, streamed, served: serving(readers) }
  } finally {
    clearInterval(sips)
    for (const reader of readers) reader.close()
  }
}

function total(readers: readonly SlowReader[]): number {
  return readers.reduce((sum, { received }) => sum + received, 0)
}

function serving(readers: readonly SlowReader[]): number {
  return readers.filter(({ received }) => received > 0).length
}

const SIP_BUFFER = Buffer.allocUnsafe(SIP)

/** A client that takes a sip of its answer whenever it is told to, and lets the rest wait at the worker. */
class SlowReader {
  /** Bytes so far. */
  received = 0
  readonly #socket: Socket
  #status = 0
  #error: Error | undefined

  constructor(port: number, { request }: Exchange) {
    const callback = (length: number, buffer: Uint8Array) => {
      if (this.received === 0) this.#status = Number(Buffer.from(buffer).toString('latin1', 9, 12))
      this.received += length
      return false
    }
    this.#socket = connect({ host: '127.0.0.1', port, onread: { buffer: SIP_BUFFER, callback } })
    this.#socket.on('error', error => {
      this.#error = error
    })
    this.#socket.write(request, 'latin1')
  }

  sip(): void {
    this.#socket.resume()
  }

  /** Throws where this client was refused, cut off or served to the end: then it measured nothing. */
  check({ status, length = 0 }: Exchange): void {
    if (this.#error !== undefined) throw this.#error
    const refused = this.received > 0 && this.#status !== status
    if (refused || this.#socket.destroyed || this.received >= length) {
      throw new Error(`a slow client got ${this.#status} and ${this.received} bytes, and streams no more`)
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
