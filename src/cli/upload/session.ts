import { setTimeout as delay } from 'node:timers/promises'
import pLimit, { type LimitFunction } from 'p-limit'
import { Unreachable } from '../client.ts'
import type { UploadProgress } from '../progress.ts'
import { say } from '../terminal.ts'
import { type GateConnection, RetryableFailure, sendOnce, type UploadRequest } from './request.ts'

/** How many times a request is sent at most. */
export const MAX_ATTEMPTS = 5

/** The longest delay that a gate may ask for, in milliseconds. */
const MAX_DELAY = 600_000

/** What a session sends with every request, and how many at once. */
export interface SessionOptions {
  readonly token: string
  /** Headers that name the owner of the recording. */
  readonly ownerHeaders: Readonly<Record<string, string>>
  /** How many requests are in flight at once, at most. */
  readonly parallel: number
  readonly progress: UploadProgress
}

/** One run of an upload: sends its requests, retries those that fail, and ends all of them together. */
export class UploadSession {
  readonly progress: UploadProgress
  readonly #connection: GateConnection
  readonly #parallel: number
  readonly #limit: LimitFunction
  readonly #abort = new AbortController()

  constructor({ token, ownerHeaders, parallel, progress }: SessionOptions) {
    this.progress = progress
    this.#connection = { token, ownerHeaders, progress, signal: this.#abort.signal }
    this.#parallel = parallel
    this.#limit = pLimit(parallel)
  }

  /** Ends every request of the session; they reject with the first reason that was given. */
  stop(reason: unknown): void {
    this.#abort.abort(reason)
  }

  /**
   * Sends a request. Sends it again if the connection breaks, if the gate asks to come back later, or if the bytes were
   * damaged on the way.
   *
   * @throws GateRefusal
   * @throws Unreachable if no attempt was answered
   * @throws SourceChanged
   */
  send<Answer>(request: UploadRequest<Answer>): Promise<Answer> {
    return this.#limit(async () => {
      for (let attempts = 1; ; attempts++) {
        const outcome = await sendOnce(request, this.#connection, attempts)
        if (!(outcome instanceof RetryableFailure)) return outcome
        const { error, retryAfter } = outcome
        if (error instanceof Unreachable && request.content !== undefined) {
          await this.#findRefusal(request, attempts)
        }
        const wait = retryDelay({ attempts, retryAfter, now: Date.now(), random: Math.random() })
        if (wait === undefined) throw error
        say(`${request.about}: ${error.summary}; trying again in ${(wait / 1000).toFixed(1)} s`)
        await this.#wait(wait)
      }
    })
  }

  /**
   * Works on items, as many at once as the session sends requests. Starts no further item after a failure.
   *
   * @throws the first failure, once all items that were started have ended
   */
  async forEach<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
    const failures: unknown[] = []
    const remaining = items[Symbol.iterator]()
    const worker = async () => {
      for (let next = remaining.next(); !next.done && failures.length === 0; next = remaining.next()) {
        await work(next.value).catch((error: unknown) => failures.push(error))
      }
    }
    await Promise.all(Array.from({ length: this.#parallel }, worker))
    if (failures.length > 0) throw failures[0]
  }

  /**
   * Asks the gate once more without the bytes, by abandoning an upload that does not exist. A refusal that the gate sent
   * before it had read all bytes can be lost with their connection; this finds it.
   *
   * @throws GateRefusal
   */
  async #findRefusal({ about, url }: UploadRequest<unknown>, attempts: number): Promise<void> {
    const target = new URL(`${url.href}/upload`)
    const headers = { 'Mediaward-Upload': 'none' }
    const probe = { about, method: 'DELETE', url: target, headers, parse: () => true } as const
    await sendOnce(probe, this.#connection, attempts)
  }

  async #wait(milliseconds: number): Promise<void> {
    // A wait that is aborted only ends early: the attempt that follows throws the reason.
    await delay(milliseconds, undefined, { signal: this.#abort.signal }).catch(() => {})
  }
}

/** A request that failed. */
export interface FailedAttempt {
  /** How many times it has been sent. */
  readonly attempts: number
  /** The header `Retry-After`: seconds, or a date (RFC 9110 10.2.3). */
  readonly retryAfter: string | null
  /** In milliseconds since 1970. */
  readonly now: number
  /** From 0 to 1. Spreads clients that were turned away together. */
  readonly random: number
}

/**
 * Computes how long to wait before a request is sent again, in milliseconds.
 *
 * @returns undefined if it is not to be sent again
 */
export function retryDelay({ attempts, retryAfter, now, random }: FailedAttempt): number | undefined {
  if (attempts >= MAX_ATTEMPTS) return undefined
  const requested = requestedDelay(retryAfter, now)
  if (requested > MAX_DELAY) return undefined
  const backoff = 500 * 2 ** (attempts - 1)
  return Math.round(Math.max(requested, backoff / 2) + (backoff / 2) * random)
}

function requestedDelay(retryAfter: string | null, now: number): number {
  if (retryAfter === null) return 0
  if (/^\d{1,12}$/.test(retryAfter)) return Number(retryAfter) * 1000
  return Math.max(0, (Date.parse(retryAfter) || 0) - now)
}
