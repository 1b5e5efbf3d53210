import { nameSpaceOf } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'
import { present } from '../base/present.ts'
import type { LookFacts } from '../ledger/facts/console-facts.ts'
import { observe } from '../ledger/head.ts'
import type { CountQuery, LedgerQuery } from '../ledger/ledger.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { FindingQuery } from '../watch/finding-control.ts'

/** How long one record says that an analyst asks the same, in milliseconds: a page that polls would fill the log. */
const SAME = 10 * 60_000
/** An analyst who reads on for so many rows in that time leaves a record of it. */
const BULK = 10_000
/** Most looks that one isolate knows of. One that it forgets is recorded once more. */
const MAX_LOOKS = 1_000

type Query = Partial<LedgerQuery> | CountQuery | Omit<FindingQuery, 'since' | 'limit'>

/** Records who looked at what of the log. */
export class LookRecorder {
  readonly #record: Recorder
  readonly #looks = new LruCache<{ readonly at: number; readonly rows: number }>(MAX_LOOKS)

  constructor(record: Recorder) {
    this.#record = record
  }

  /**
   * Resolves when a look is on record: at once if one of the same caller for the same is, of the last ten minutes and not of many
   * rows before. Each stream has a record of its own.
   *
   * @param rows how many are about to be shown
   * @throws Fault `ledger_unavailable` if it can't be recorded. Then nothing may be shown
   */
  async record(
    context: RequestContext,
    action: LookFacts['action'],
    asked: Query,
    rows?: number,
  ): Promise<void> {
    const query = whatOf(asked)
    const { subject } = context
    const key = JSON.stringify([subject && nameSpaceOf(subject), subject?.id, action, query])
    const now = context.now()
    const last = this.#looks.get(key)
    if (action !== 'follow' && last !== undefined && now - last.at < SAME) {
      // A page that polls is shown the same rows again.
      const more = 'after' in asked && asked.after !== undefined ? (rows ?? 0) : 0
      if (last.rows + more < BULK) {
        this.#looks.set(key, { at: last.at, rows: last.rows + more })
        return
      }
    }
    await this.#record(observe(context), {
      ...{ kind: 'console', decision: 'permit', action, query },
      ...present({ rows: rows === undefined ? undefined : rows + (last?.rows ?? 0) }),
    }).catch(Fault.as('ledger_unavailable'))
    this.#looks.set(key, { at: now, rows: 0 })
  }
}

/** Returns what is asked for, without the place in the log where a page begins. */
function whatOf(query: Query): LookFacts['query'] {
  const { kind, subject, owner, recording, reason, release, tenant, since, until } =
    query as LookFacts['query']
  return present({ kind, subject, owner, recording, reason, release, tenant, since, until })
}
