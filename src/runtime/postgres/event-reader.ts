import { logFault, NOT_SHOWN } from '../../base/storage-fault.ts'
import type { CountQuery, LedgerEntry, ReadEntry, RecordCount } from '../../ledger/ledger.ts'
import type { Span } from '../../ledger/query/span.ts'
import type { TablePage, TableQuery } from '../../ledger/query/table-page.ts'
import { type AskedQuery, fieldsAsked, isWanted, timesOf } from '../../ledger/query/terms.ts'
import { readCounts } from './event-counts.ts'
import { bySelectivity, candidates, spanOf } from './event-index.ts'
import { ServerFault } from './fault.ts'
import { heldDeliveries } from './held-deliveries.ts'
import { ROUND, takeRound } from './round.ts'
import type { Session } from './session.ts'

/** Most records that are looked at in one statement. */
const STEP = 200
/** Most records that one call looks at. */
const MAX_EXAMINED = 4_000
/** A page of so many characters takes no further step. */
const FULL_PAGE = 4 * 2 ** 20
/** Most rounds that a call does before it reads. */
const MAX_ROUNDS = 5

const LAG = `
  SELECT greatest(0, extract(epoch FROM clock_timestamp() - came) * 1000)::bigint AS lag
  FROM mediaward.inbox ORDER BY number LIMIT 1`

/** Reads the log, a page at a time. */
export class EventReader {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  /** Reads a page of the live log. What has no index yet is not on it: see {@link catchUp}. */
  async read({ after, from: lowest = 0, limit, order, ...query }: TableQuery): Promise<TablePage> {
    const isNewestFirst = order === 'newest'
    const { first, size, from, to } = await spanOf(this.#session, timesOf(query))
    // Of the oldest first, how much was read; of the newest first, how much was not.
    const start = after ?? (isNewestFirst ? size : lowest)
    let span: Span = isNewestFirst ? { from, to: Math.min(start, to) } : { from: Math.max(start, from), to }
    const asked = await bySelectivity(this.#session, fieldsAsked(query), span)
    const entries: ReadEntry[] = []
    let [examined, characters, goesOn] = [0, 0, true]
    while (goesOn && entries.length < limit && examined < MAX_EXAMINED && characters < FULL_PAGE) {
      const found = await candidates(this.#session, asked, { ...span, limit: STEP, isNewestFirst })
      const wanted = found
        .filter((one): one is ReadEntry => one.json !== null && isWanted(one.json, query, asked))
        .slice(0, limit - entries.length)
      entries.push(...wanted)
      examined += found.length
      characters += wanted.reduce((sum, { json }) => sum + json.length, 0)
      goesOn = found.length === STEP
      const last = (entries.length === limit ? wanted : found).at(-1)?.index
      if (last !== undefined) span = isNewestFirst ? { ...span, to: last } : { ...span, from: last + 1 }
    }
    const more = goesOn || entries.length === limit
    const cursor = isNewestFirst
      ? more
        ? span.to
        : Math.min(start, first)
      : more
        ? span.from
        : Math.max(start, size)
    return { entries, cursor, end: size, more }
  }

  /** Counts records, as the port says. */
  async count(query: CountQuery): Promise<readonly RecordCount[]> {
    await this.catchUp()
    return readCounts(this.#session, query)
  }

  /** Returns the deliveries that are held, as the port says. */
  async held(query: AskedQuery): Promise<readonly LedgerEntry[]> {
    await this.catchUp()
    return heldDeliveries(this.#session, query)
  }

  /** Resolves to how long ago the oldest record came that waits for its index, in milliseconds. */
  async lag(): Promise<number> {
    const [row] = await this.#session.query<{ lag: number }>(LAG)
    return row?.lag ?? 0
  }

  /** Gives indexes to what was appended before. The reader does it, so that a log that is late or away holds up no reader. */
  async catchUp(): Promise<void> {
    try {
      let [rounds, taken] = [0, ROUND]
      for (; taken === ROUND && rounds < MAX_ROUNDS; rounds++) taken = await takeRound(this.#session)
    } catch (error) {
      // A database that stores nothing can still be read.
      if (!(error instanceof ServerFault)) throw error
      logFault('the log stores nothing', error, NOT_SHOWN)
    }
  }
}
