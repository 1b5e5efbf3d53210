import { logFault, NOT_SHOWN } from '../../base/storage-fault.ts'
import { type LedgerPage, type LedgerQuery, parseCursor, type ReadEntry } from '../../ledger/ledger.ts'
import { type AskedField, fieldsAsked, isAskedFor, parseEvent, recordedAt } from '../sqlite/event-terms.ts'
import {
  bySelectivity,
  type Candidate,
  candidates,
  NO_END,
  type Span,
  spanOf,
  type Times,
} from './event-index.ts'
import { ServerFault } from './fault.ts'
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

/** Reads the log, a page at a time. */
export class EventReader {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  /** Reads a page, as the port says. */
  async read({ after, limit, order, ...query }: LedgerQuery): Promise<LedgerPage> {
    const cursor = parseCursor(after)
    await this.#catchUp()
    const isNewestFirst = order === 'newest'
    const times = {
      since: query.since === undefined ? 0 : Date.parse(query.since),
      until: query.until === undefined ? NO_END : Date.parse(query.until),
    }
    const { size, from, to } = await spanOf(this.#session, times)
    // Of the oldest first, how much was read; of the newest first, how much was not.
    const start = cursor ?? (isNewestFirst ? size : 0)
    let span: Span = isNewestFirst ? { from, to: Math.min(start, to) } : { from: Math.max(start, from), to }
    const asked = await bySelectivity(this.#session, fieldsAsked(query), span)
    const entries: ReadEntry[] = []
    let [examined, characters, goesOn] = [0, 0, true]
    while (goesOn && entries.length < limit && examined < MAX_EXAMINED && characters < FULL_PAGE) {
      const found = await candidates(this.#session, asked, { ...span, limit: STEP, isNewestFirst })
      const wanted = found.filter(one => isWanted(one, asked, times)).slice(0, limit - entries.length)
      entries.push(...wanted)
      examined += found.length
      characters += wanted.reduce((sum, { json }) => sum + json.length, 0)
      goesOn = found.length === STEP
      const last = (entries.length === limit ? wanted : found).at(-1)?.index
      if (last !== undefined) span = isNewestFirst ? { ...span, to: last } : { ...span, from: last + 1 }
    }
    const more = goesOn || entries.length === limit
    const readTo = isNewestFirst ? (more ? span.to : 0) : more ? span.from : Math.max(start, size)
    return { entries, cursor: `${readTo}`, end: `${size}`, more }
  }

  /** Gives indexes to what was appended before. The reader does it, so that a log that is late or away holds up no reader. */
  async #catchUp(): Promise<void> {
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

function isWanted(
  found: Candidate,
  asked: readonly AskedField[],
  { since, until }: Times,
): found is ReadEntry {
  const { json } = found
  if (json === null) return false
  // Parsing every record of the log would take most of the time of reading it.
  if (asked.length === 0 && since === 0 && until === NO_END) return true
  const event = parseEvent(json)
  const recorded = recordedAt(event)
  return isAskedFor(event, asked) && recorded >= since && recorded < until
}
