import { setTimeout as delay } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { TimedOut, withTimeout } from '../../base/timeout.ts'
import { requestGate, requireAnswer, systemErrorOf } from '../client.ts'
import { messageOf, say, TokenEnded, UsageError } from '../terminal.ts'
import type { LogRequest } from './log-reader.ts'

/** How long a gate may send nothing, in milliseconds. It sends something every ten seconds. */
const SILENCE = 30_000
/** How long to wait before the next connection, in milliseconds, until the gate says how long. */
const RETRY = 2_000
/** The shortest and longest wait that a gate can ask for, in milliseconds. */
const [MIN_RETRY, MAX_RETRY] = [100, 60_000]
/** Longest event, in characters. A record has at most 64 KiB. */
const MAX_EVENT = 2 ** 20

/** Follows the log of a gate by its stream of server-sent events (HTML 9.2), over any number of connections. */
export class LogFollower {
  readonly #request: LogRequest
  readonly #after: string
  /** The index of the last record that is known. The next connection goes on after it. */
  #last: number | undefined
  #retry = RETRY

  /** @param after the cursor of the place to begin after */
  constructor(request: LogRequest, after: string) {
    this.#request = request
    this.#after = after
  }

  /**
   * Returns each record once, in the order of the log, as it comes. A restart of the gate doesn't end it.
   *
   * @throws UsageError if the gate refuses; TokenEnded if it no longer accepts the token
   */
  async *records(): AsyncGenerator<string, never> {
    for (;;) {
      try {
        yield* this.#read(await this.#connect())
      } catch (error) {
        if (error instanceof UsageError || error instanceof TokenEnded) throw error
        say(`mediaward: ${messageOf(error)}; trying again`)
      }
      await delay(this.#retry)
    }
  }

  async #connect(): Promise<ReadableStream<Uint8Array>> {
    const { gate, filters, token } = this.#request
    const last = this.#last
    const target = new URL('/console/api/records', gate)
    const place = last === undefined ? { after: this.#after } : {}
    target.search = new URLSearchParams({ ...filters, ...place }).toString()
    const headers = { Accept: 'text/event-stream', ...(last !== undefined && { 'Last-Event-ID': `${last}` }) }
    const response = await unlessSilent(requestGate(target, await token(), { headers }))
    if (response.status === 401) {
      throw new TokenEnded(last === undefined ? `--after ${this.#after}` : `--from ${last + 1}`)
    }
    const { body } = await requireAnswer(response, 'audit')
    if (body === null || response.headers.get('content-type') !== 'text/event-stream') {
      throw new UsageError('the gate sends no stream of its log', 'it needs version 0.7.0 or later')
    }
    return body
  }

  async *#read(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    const records: string[] = []
    const parser = createParser({
      // All records of a chunk are passed on before the next one is read, which alone can fail.
      onId: id => {
        if (/^\d{1,15}$/.test(id)) this.#last = Number(id)
      },
      onEvent: ({ data }) => records.push(data),
      onRetry: milliseconds => {
        this.#retry = Math.min(Math.max(milliseconds, MIN_RETRY), MAX_RETRY)
      },
      maxBufferSize: MAX_EVENT,
    })
    const decoder = new TextDecoder()
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await unlessSilent(reader.read())
        if (done) return
        parser.feed(decoder.decode(value, { stream: true }))
        yield* records.splice(0)
      }
    } finally {
      reader.cancel().catch(() => {})
    }
  }
}

/** Waits for the gate. A connection that is dead, and that no system reports as closed, would hide all that comes later. */
function unlessSilent<Value>(work: Promise<Value>): Promise<Value> {
  return withTimeout(SILENCE, work).catch((error: unknown) => {
    if (error instanceof TimedOut) throw new Error('the gate has sent nothing for 30 s')
    throw error instanceof TypeError ? new Error(`the stream broke off (${systemErrorOf(error)})`) : error
  })
}
