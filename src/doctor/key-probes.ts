import type { Entry } from '../authenticate/entry.ts'
import { IntrospectionFailure, introspect } from '../authenticate/introspection/introspect.ts'
import { INTROSPECTION } from '../authenticate/introspection/introspector.ts'
import type { Algorithm } from '../authenticate/issuer.ts'
import { KEY_HTTP } from '../authenticate/keys/fetch-keys.ts'
import { KeyFault } from '../authenticate/keys/key-fault.ts'
import { createKeyLoads, type LoadedKeys } from '../authenticate/keys/load-keys-once.ts'
import { shownFault } from '../base/storage-fault.ts'
import { attempt, type Failure } from './failure.ts'

/** What was found out of an entry's keys. */
export interface KeyFacts {
  /** The name of the entry. */
  readonly entry: string
  readonly algorithms: readonly Algorithm[]
  readonly loaded: LoadedKeys | Failure
}

/** How far the clock of the gate is from that of a key server. */
export interface ClockFacts {
  readonly server: string
  /** How many seconds the gate is ahead. */
  readonly ahead: number
}

/** What was found out of an introspection endpoint. */
export interface IntrospectionFacts {
  /** The name of the entry. */
  readonly entry: string
  /** Whether it says that a made-up token is active. */
  readonly isFooled: boolean | Failure
}

/** What was found out of all entries. */
export interface KeysFacts {
  readonly introspections: readonly IntrospectionFacts[]
  readonly keys: readonly KeyFacts[]
  /** Undefined if no key server said what time it is. */
  readonly clock: ClockFacts | undefined
  /** The least tolerance of an entry, in seconds. */
  readonly tolerance: number
}

/** Fetches the keys of every entry again, and reads what time it is at the first server that says so. */
export async function probeKeys(entries: readonly Entry[], now: () => number): Promise<KeysFacts> {
  let clock: ClockFacts | undefined
  const fetchTimed: typeof fetch = async (input, init) => {
    const begun = now()
    const response = await KEY_HTTP.fetch(input, init)
    clock ??= clockOf(String(input), response.headers, (begun + now()) / 2)
    return response
  }
  const load = createKeyLoads({ ...KEY_HTTP, fetch: fetchTimed })
  // An entry without algorithms accepts no signed token.
  const signing = entries.filter(({ algorithms }) => algorithms.length > 0)
  const [keys, introspections] = await Promise.all([
    Promise.all(
      signing.map(async entry => ({
        entry: entry.name,
        algorithms: entry.algorithms,
        loaded: await attempt(() => load(entry), describe),
      })),
    ),
    Promise.all(entries.flatMap(entry => probeIntrospection(entry) ?? [])),
  ])
  return {
    keys,
    introspections,
    clock,
    tolerance: Math.min(...entries.map(({ clock_tolerance_s = 30 }) => clock_tolerance_s)),
  }
}

/** Asks the endpoint of an entry about a made-up token. Undefined if it has none. */
function probeIntrospection({ name, introspection }: Entry): Promise<IntrospectionFacts> | undefined {
  if (introspection === undefined) return undefined
  const token = `doctor-${crypto.randomUUID()}`
  const work = async () => (await introspect(token, introspection, INTROSPECTION)) !== undefined
  return attempt(work, describe).then(isFooled => ({ entry: name, isFooled }))
}

/** @param at the time of the gate in the middle of the exchange, in milliseconds since 1970 */
function clockOf(url: string, headers: Headers, at: number): ClockFacts | undefined {
  const date = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(date)) return undefined
  // A cache in front of the server says how old its answer is (RFC 9111 5.1). A date has no fractions of a second.
  const age = Number(headers.get('age') ?? 0) || 0
  return { server: new URL(url).host, ahead: (at - date - age * 1000 - 500) / 1000 }
}

/** The messages of these faults are for the operator. */
const describe = (error: unknown): string | undefined =>
  error instanceof KeyFault || error instanceof IntrospectionFailure ? error.message : shownFault(error)
