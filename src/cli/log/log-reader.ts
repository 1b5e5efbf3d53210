import { setTimeout as delay } from 'node:timers/promises'
import { CURSOR_HEADER, END_HEADER, MORE_HEADER } from '../../console/records.ts'
import { requestGate, requireAnswer } from '../client.ts'
import { messageOf, say, TokenEnded, UsageError } from '../terminal.ts'
import type { LogRange } from './filters.ts'

/** How often `--follow` asks for new records, in milliseconds. */
const POLL_INTERVAL = 1000

/** Which records to read, and from which gate. */
export interface LogRequest extends Omit<LogRange, 'limit'> {
  readonly gate: URL
  readonly token: () => Promise<string>
  /** Whether to wait for new records at the end of the log. */
  readonly follow: boolean
}

interface Page {
  /** Records as they are stored. */
  readonly lines: readonly string[]
  readonly cursor: string
  readonly end: string
  readonly more: boolean
}

/** Reads the log of a gate, page after page. */
export class LogReader {
  readonly #request: LogRequest
  #cursor = ''

  constructor(request: LogRequest) {
    this.#request = request
  }

  /** Where the last page ended: a later call reads on from there. */
  get cursor(): string {
    return this.#cursor
  }

  /**
   * Returns the records, page after page.
   *
   * @param limit how many of the newest records to begin with. Default: all of them
   * @throws UsageError if the gate refuses; TokenEnded if it does so only later
   */
  async *pages(limit?: number): AsyncGenerator<readonly string[]> {
    const { since, after, follow } = this.#request
    let range: Record<string, string> = { ...(since !== undefined && { since }) }
    const start = { ...range, ...(after !== undefined && { after }) }
    let page = limit === undefined ? await this.#fetch(start) : await this.#newest(limit, start)
    for (;;) {
      yield page.lines
      if (!page.more && !follow) return
      if (!page.more) {
        // After the end of the log, every record is new. That includes records that waited elsewhere for hours, whose
        // time a filter would leave out.
        range = {}
        await delay(POLL_INTERVAL)
      }
      page = follow
        ? await this.#followed(range, page.more)
        : await this.#fetch({ ...range, after: this.#cursor })
    }
  }

  /** Fetches the newest records after the place to begin at, page after page, from the last one back. */
  async #newest(limit: number, { after, ...range }: Readonly<Record<string, string>>): Promise<Page> {
    if (after !== undefined) return this.#newestAfter(limit, { ...range, after })
    let page = await this.#fetch({ ...range, limit: String(limit), order: 'newest' })
    const { end } = page
    const lines = [...page.lines]
    while (page.more && lines.length < limit) {
      const rest = String(limit - lines.length)
      page = await this.#fetch({ ...range, limit: rest, order: 'newest', after: page.cursor })
      lines.push(...page.lines)
    }
    this.#cursor = end
    return { lines: lines.reverse(), cursor: end, end, more: false }
  }

  async #newestAfter(limit: number, start: Readonly<Record<string, string>>): Promise<Page> {
    let page = await this.#fetch(start)
    let lines = page.lines.slice(-limit)
    while (page.more) {
      page = await this.#fetch({ ...start, after: page.cursor })
      lines = [...lines, ...page.lines].slice(-limit)
    }
    return { ...page, lines }
  }

  /** Fetches the next page. An operator may follow for days, so a restart of the gate must not end the command. */
  async #followed(range: Readonly<Record<string, string>>, more: boolean): Promise<Page> {
    try {
      return await this.#fetch({ ...range, after: this.#cursor })
    } catch (error) {
      if (error instanceof UsageError || error instanceof TokenEnded) throw error
      say(`mediaward: ${messageOf(error)}; trying again`)
      await delay(POLL_INTERVAL)
      return { lines: [], cursor: this.#cursor, end: this.#cursor, more }
    }
  }

  async #fetch(range: Readonly<Record<string, string>>): Promise<Page> {
    const { gate, filters, token, follow } = this.#request
    const target = new URL('/console/api/records', gate)
    target.search = new URLSearchParams({ ...filters, ...range }).toString()
    const response = await requestGate(target, await token())
    if (response.status === 401 && follow && this.#cursor !== '') {
      throw new TokenEnded(
        `the gate no longer accepts the token: get a new one, and go on with --after ${this.#cursor}`,
      )
    }
    const lines = (await (await requireAnswer(response)).text()).split('\n').filter(line => line !== '')
    this.#cursor = response.headers.get(CURSOR_HEADER) ?? ''
    const end = response.headers.get(END_HEADER) ?? ''
    return { lines, cursor: this.#cursor, end, more: response.headers.get(MORE_HEADER) === 'true' }
  }
}
