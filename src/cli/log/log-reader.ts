import { setTimeout as delay } from 'node:timers/promises'
import { ARCHIVED_HEADER, CURSOR_HEADER, END_HEADER, MORE_HEADER } from '../../console/records.ts'
import { requestGate, requireAnswer } from '../client.ts'
import { messageOf, say, TokenEnded, UsageError } from '../terminal.ts'
import type { LogRange } from './filters.ts'

/** How long to wait before a page is asked for again, in milliseconds. */
const PAUSE = 1000

/** Which records to read, and from which gate. */
export interface LogRequest {
  readonly gate: URL
  readonly token: () => Promise<string>
  /** The parameters of the console's API that hold for every page. */
  readonly filters: Readonly<Record<string, string>>
  /** Whether the records are followed later. Then an outage of the gate doesn't end the command. */
  readonly follow: boolean
}

interface Page {
  /** Records as they are stored. */
  readonly lines: readonly string[]
  readonly cursor: string
  readonly end: string
  readonly more: boolean
}

type Parameters = Readonly<Record<string, string>>

/** Reads the log of a gate, page after page. */
export class LogReader {
  readonly #request: LogRequest
  #cursor = ''
  #older: string | undefined
  #archived = 0

  constructor(request: LogRequest) {
    this.#request = request
  }

  /** The place after all that was read: what is recorded later comes after it. */
  get cursor(): string {
    return this.#cursor
  }

  /** Where the newest first go on, if a limit left out older ones. */
  get older(): string | undefined {
    return this.#older
  }

  /** How many of the records that were read are in the archive alone. */
  get archived(): number {
    return this.#archived
  }

  /**
   * Returns the records, page after page.
   *
   * @throws UsageError if the gate refuses; TokenEnded if it does so only later, and the records are followed
   */
  async *pages({ since, after, from, limit, newest }: LogRange): AsyncGenerator<readonly string[]> {
    const range: Parameters = { ...(since !== undefined && { since }) }
    const place: Parameters = { ...(after !== undefined && { after }), ...(from !== undefined && { from }) }
    if (newest) yield* this.#newestFirst(range, place, limit)
    else if (limit === undefined) yield* this.#oldestFirst(range, place)
    else if (Object.keys(place).length === 0) {
      const lines: string[] = []
      for await (const page of this.#newestFirst(range, place, limit)) lines.push(...page)
      yield lines.reverse()
    } else {
      let lines: readonly string[] = []
      for await (const page of this.#oldestFirst(range, place)) lines = [...lines, ...page].slice(-limit)
      yield lines
    }
  }

  /** Returns deliveries that are not in the log yet, as they are so far. */
  async held({ since }: LogRange): Promise<readonly string[]> {
    return (await this.#fetch({ ...(since !== undefined && { since }), held: 'true' })).lines
  }

  async *#oldestFirst(range: Parameters, place: Parameters): AsyncGenerator<readonly string[]> {
    let page = await this.#fetch({ ...range, ...place })
    for (;;) {
      this.#cursor = page.cursor
      yield page.lines
      if (!page.more) return
      page = await this.#fetch({ ...range, after: page.cursor })
    }
  }

  async *#newestFirst(
    range: Parameters,
    place: Parameters,
    limit = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<readonly string[]> {
    const fetchNext = (left: number, from: Parameters) =>
      this.#fetch({ ...range, ...(Number.isFinite(left) && { limit: `${left}` }), order: 'newest', ...from })
    let page = await fetchNext(limit, place)
    this.#cursor = page.end
    for (let left = limit; ; ) {
      yield page.lines
      left -= page.lines.length
      this.#older = page.more ? page.cursor : undefined
      if (!page.more || left <= 0) return
      page = await fetchNext(left, { after: page.cursor })
    }
  }

  /** Fetches a page. An operator may follow for days, so a restart of the gate must not end the command. */
  async #fetch(parameters: Parameters): Promise<Page> {
    for (;;) {
      try {
        return await this.#fetchOnce(parameters)
      } catch (error) {
        const isOver = error instanceof UsageError || error instanceof TokenEnded
        if (isOver || !this.#request.follow || this.#cursor === '') throw error
        say(`mediaward: ${messageOf(error)}; trying again`)
        await delay(PAUSE)
      }
    }
  }

  async #fetchOnce(parameters: Parameters): Promise<Page> {
    const { gate, filters, token, follow } = this.#request
    const target = new URL('/console/api/records', gate)
    target.search = new URLSearchParams({ ...filters, ...parameters }).toString()
    const response = await requestGate(target, await token())
    if (response.status === 401 && follow && this.#cursor !== '') {
      throw new TokenEnded(`--after ${this.#cursor}`)
    }
    const { headers } = await requireAnswer(response, 'audit')
    const lines = (await response.text()).split('\n').filter(line => line !== '')
    if (headers.get(ARCHIVED_HEADER) === 'true') this.#archived += lines.length
    return {
      lines,
      cursor: headers.get(CURSOR_HEADER) ?? '',
      end: headers.get(END_HEADER) ?? '',
      more: headers.get(MORE_HEADER) === 'true',
    }
  }
}
