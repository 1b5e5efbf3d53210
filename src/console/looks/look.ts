import { nameSpaceOf } from '../../authorize/subject.ts'
import { LruCache } from '../../base/lru-cache.ts'
import { present } from '../../base/present.ts'
import type { LookFacts } from '../../ledger/facts/console-facts.ts'
import { observe } from '../../ledger/head.ts'
import type { CountQuery, LedgerQuery } from '../../ledger/ledger.ts'
import type { Recorder } from '../../ledger/recorder.ts'
import { Fault } from '../../refusal.ts'
import type { RequestContext } from '../../request-context.ts'
import type { FindingQuery } from '../../watch/finding-control.ts'
import { PolledLists, type Shown } from './polled-lists.ts'

/** How long one record says that an analyst asks the same, in milliseconds: a page that polls would fill the log. */
const SAME = 10 * 60_000
/** An analyst who was shown so many records of the log that no look has counted leaves a record of it. */
const BULK = 1_000
/** Most looks, and most analysts, that one isolate knows of. A look that it forgets is recorded once more. */
const MAX_LOOKS = 1_000

type Query = Partial<LedgerQuery> | CountQuery | Omit<FindingQuery, 'since' | 'limit'>

/** Records who looked at what of the log. */
export class LookRecorder {
  readonly #record: Recorder
  /** When each look was last on record, in milliseconds since 1970. */
  readonly #looks = new LruCache<number>(MAX_LOOKS)
  readonly #polled = new PolledLists(MAX_LOOKS)
  /** How many records of the log each analyst was shown that no look has counted yet, whatever was asked for. */
  readonly #uncounted = new LruCache<number>(MAX_LOOKS)

  constructor(record: Recorder) {
    this.#record = record
  }

  /**
   * Resolves when a look at something else than records of the log is on record: at once if one of the same caller for the same
   * is, of the last ten minutes.
   *
   * @param rows how many are about to be shown
   * @throws Fault `ledger_unavailable` if it can't be recorded. Then nothing may be shown
   */
  async record(
    context: RequestContext,
    action: 'count' | 'metrics' | 'findings',
    asked: Query,
    rows?: number,
  ): Promise<void> {
    if (!this.#isRecent(context, action, asked)) await this.#write(context, action, asked, rows)
  }

  /**
   * Resolves when records of the log may be shown: a look of the same caller for the same is on record, of the last ten minutes, and
   * the caller was not shown many others that no look counts.
   *
   * @throws Fault `ledger_unavailable` if it can't be recorded. Then nothing may be shown
   */
  async read(context: RequestContext, asked: LedgerQuery, shown: Shown): Promise<void> {
    const key = keyOf(context, 'read', asked)
    const isRecent = this.#isRecent(context, 'read', asked)
    const rows = this.#polled.countNew(key, shown)
    await this.#count(context, 'read', asked, { rows, isDue: !isRecent })
    this.#polled.note(key, shown)
  }

  /** Resolves when it is on record that a stream begins. Each has a record of its own. Throws as `read` does. */
  async follow(context: RequestContext, asked: LedgerQuery): Promise<void> {
    await this.#count(context, 'follow', asked, { rows: 0, isDue: true })
  }

  /** Resolves when a stream may send so many records of the log. Throws as `read` does. */
  async followOn(context: RequestContext, asked: LedgerQuery, rows: number): Promise<void> {
    await this.#count(context, 'follow', asked, { rows, isDue: false })
  }

  #isRecent(context: RequestContext, action: LookFacts['action'], asked: Query): boolean {
    const at = this.#looks.get(keyOf(context, action, asked))
    return at !== undefined && context.now() - at < SAME
  }

  /**
   * Counts what a person is shown, and records the look if it is due, or if so much was shown. The sum is by person: what
   * lies below the step of one query would never be on record otherwise.
   */
  async #count(
    context: RequestContext,
    action: 'read' | 'follow',
    asked: LedgerQuery,
    { rows, isDue }: { readonly rows: number; readonly isDue: boolean },
  ): Promise<void> {
    const who = callerOf(context)
    const before = this.#uncounted.get(who) ?? 0
    const sum = before + rows
    const isRecorded = isDue || sum >= BULK
    // Before it is on record: a look at the same time must not count them, too.
    this.#uncounted.set(who, isRecorded ? 0 : sum)
    if (!isRecorded) return
    try {
      await this.#write(context, action, asked, action === 'follow' && sum === 0 ? undefined : sum)
    } catch (error) {
      // These rows are not shown. Those before them were.
      this.#uncounted.set(who, (this.#uncounted.get(who) ?? 0) + before)
      throw error
    }
  }

  async #write(
    context: RequestContext,
    action: LookFacts['action'],
    asked: Query,
    rows: number | undefined,
  ): Promise<void> {
    const at = context.now()
    await this.#record(observe(context), {
      ...{ kind: 'console', decision: 'permit', action, query: whatOf(asked) },
      ...present({ rows }),
    }).catch(Fault.as('ledger_unavailable'))
    this.#looks.set(keyOf(context, action, asked), at)
  }
}

const callerOf = ({ subject }: RequestContext): string =>
  JSON.stringify([subject && nameSpaceOf(subject), subject?.id])

/** Names a look: who asks for what. */
const keyOf = (context: RequestContext, action: LookFacts['action'], asked: Query): string =>
  JSON.stringify([callerOf(context), action, whatOf(asked)])

/** Returns what is asked for, without the place in the log where a page begins. */
function whatOf(query: Query): LookFacts['query'] {
  const { kind, subject, owner, recording, reason, release, tenant, since, until } =
    query as LookFacts['query']
  return present({ kind, subject, owner, recording, reason, release, tenant, since, until })
}
