import { LruCache } from '../base/lru-cache.ts'
import { withTimeout } from '../base/timeout.ts'
import type { BindingFacts } from '../ledger/event.ts'
import { observe } from '../ledger/head.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { NewClaim } from '../recordings/claims.ts'
import { Fault } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'

interface Binding {
  /** When its record was begun. Long ago if that failed. */
  at: number
  readonly recorded: Promise<unknown>
}

/** How long a record stands for uploads that bind the same id to the same owner, in milliseconds. */
const WINDOW = 60_000
/** Most bindings that one isolate remembers. */
const MAX_BINDINGS = 1_000
/** How long to wait for a record that another request has begun: if that one was cut off, it may never end. */
const PATIENCE = 5_000

/**
 * The bindings that one isolate makes: records that an id is bound to an owner, before it is. The parts of a recording come
 * several at once, and each of them may find that the id is free: they share one record.
 */
export class Bindings {
  readonly #record: Recorder
  readonly #now: () => number
  readonly #bindings = new LruCache<Binding>(MAX_BINDINGS)

  constructor(record: Recorder, now: () => number) {
    this.#record = record
    this.#now = now
  }

  /**
   * Resolves when the binding of the recording that a request is for is on record.
   *
   * @param claim names the issuer of the owner
   * @throws Fault `ledger_unavailable` if it can't be recorded
   */
  async record(context: RequestContext, claim: NewClaim): Promise<void> {
    const key = JSON.stringify([context.ref?.recording, claim])
    const known = this.#bindings.get(key)
    const isRecent = known !== undefined && Math.abs(this.#now() - known.at) < WINDOW
    const { recorded } = isRecent ? known : this.#begin(context, claim, key)
    await withTimeout(PATIENCE, recorded).catch(Fault.as('ledger_unavailable'))
  }

  #begin(context: RequestContext, claim: NewClaim, key: string): Binding {
    const observed = { ...observe(context), ownership: claim.ownership }
    const binding: Binding = { at: this.#now(), recorded: this.#record(observed, factsOf(claim)) }
    this.#bindings.set(key, binding)
    const forget = () => {
      binding.at = Number.NEGATIVE_INFINITY
    }
    context.waitUntil(binding.recorded.catch(forget))
    return binding
  }
}

function factsOf({ ownership, source, replaces }: NewClaim): BindingFacts {
  const facts = { kind: 'binding', decision: 'permit', source } as const
  if (replaces === undefined) return { ...facts, action: 'bound' }
  const { owner } = replaces
  const named = owner === ownership.owner ? 'same_owner' : 'other_owner'
  return { ...facts, action: 'bound_again', previous: owner === undefined ? 'no_owner' : named }
}
