import type { Entry } from '../authenticate/entry.ts'
import { LruCache } from '../base/lru-cache.ts'
import { logToOperator } from '../base/operator.ts'
import type { Reason } from '../reason.ts'
import type { RequestContext } from '../request-context.ts'
import { adviceFor, isAdvised } from './advice.ts'
import { type Advice, isProven, type RefusedToken, readToken } from './refused-token.ts'

/** In milliseconds. */
const AN_HOUR = 3_600_000

/**
 * Most lines in an hour, by who can cause them, ten in all. Strangers must not use up the lines of an honest mistake, so
 * each kind of advice has its own:
 *
 * - `proven`: the signature is good, so only people of a trusted provider can cause it.
 * - `near`: an `iss` that is nearly a configured one. Anyone can send it, but only so many differ so little.
 * - `named`: other refusals that anyone can cause and that are about an entry, such as that of a bad signature.
 * - `form`: those that are about no entry, such as that of a string that is not a token.
 * - `strange`: an `iss` that is like none. There is no end of these.
 */
const LINES = { proven: 4, near: 2, named: 2, form: 1, strange: 1 } as const
type Source = keyof typeof LINES

/** Most kinds that are remembered. Each has had its line, so an isolate meets this many in a day at the earliest. */
const MAX_KINDS = 256

/**
 * Says on the console what is wrong with the configuration: one line for the first refusal of each kind in an isolate. Costs a permitted request nothing, and a refusal that isn't due to its token next to nothing.
 */
export class OperatorAdvice {
  readonly #entries: readonly Entry[]
  readonly #said = new LruCache<true>(MAX_KINDS)
  #hour = Number.NEGATIVE_INFINITY
  #left: Record<Source, number> = { ...LINES }

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
  }

  /** Writes a line about a refusal, if it is the first of its kind and may be due to a mistake in the configuration. */
  advise(context: RequestContext, reason: Reason): void {
    if (!isAdvised(reason)) return
    try {
      this.#write(context, reason)
    } catch {
      // What is said of a token must not cost its sender the answer, whatever the token holds.
    }
  }

  #write(context: RequestContext, reason: Reason): void {
    // Also if the clock was set back.
    if (Math.abs(context.at - this.#hour) >= AN_HOUR) {
      this.#hour = context.at
      this.#left = { ...LINES }
    }
    if (Object.values(this.#left).every(left => left === 0)) return
    const refused = { ...readToken(context, this.#entries), reason }
    const advice = adviceFor(refused)
    if (advice === undefined) return
    const source = sourceOf(refused, advice)
    const kind = kindOf(refused, advice)
    if (this.#left[source] === 0 || this.#said.get(kind)) return
    this.#left[source] -= 1
    this.#said.set(kind, true)
    const [found, fix] = advice
    logToOperator(`${reason}: ${found}. To fix it: ${fix}`)
  }
}

function sourceOf({ reason, facts, entry }: RefusedToken, [, , , isStrange]: Advice): Source {
  if (isProven(facts)) return 'proven'
  if (reason !== 'token_issuer') return entry === undefined ? 'form' : 'named'
  return isStrange ? 'strange' : 'near'
}

function kindOf({ reason, facts: { claim }, entry }: RefusedToken, [, fix, variant]: Advice): string {
  return JSON.stringify([reason, entry?.name, claim, variant ?? fix])
}
