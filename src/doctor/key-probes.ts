import type { Entry } from '../authenticate/entry.ts'
import { IntrospectionFailure, introspect } from '../authenticate/introspection/introspect.ts'
import { INTROSPECTION } from '../authenticate/introspection/introspector.ts'
import type { Algorithm } from '../authenticate/issuer.ts'
import { metadataUrls } from '../authenticate/keys/discovery.ts'
import { fetchJson, KEY_HTTP, type KeyHttp } from '../authenticate/keys/fetch-keys.ts'
import { KeyFault } from '../authenticate/keys/key-fault.ts'
import { createKeyLoads, type LoadedKeys } from '../authenticate/keys/load-keys-once.ts'
import { REMOTE_KEYS } from '../authenticate/keys/remote-keys.ts'
import { isObject } from '../base/json.ts'
import { shownFault } from '../base/storage-fault.ts'
import { isSecure, plainUrl } from '../base/url.ts'
import { attempt, Failure } from './failure.ts'

/** What was found out of an entry's keys. */
export interface KeyFacts {
  readonly entry: Pick<Entry, 'name' | 'issuer'>
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
  readonly entry: Pick<Entry, 'name' | 'issuer'>
  /** Whether it says that a made-up token is active. */
  readonly isFooled: boolean | Failure
}

/** What the metadata of a provider says (OpenID Connect Discovery 1.0, 4.2). */
export interface MetadataFacts {
  /** The entry that it was asked for. */
  readonly entry: Pick<Entry, 'name' | 'issuer' | 'jwks_uri' | 'dpop'>
  /** How the provider calls itself. AD FS has another name in access tokens. */
  readonly issuers: readonly string[]
  readonly jwksUri: string | undefined
  /** Whether the provider says that it binds tokens to keys of their senders (RFC 9449 5.1). */
  readonly offersDpop: boolean
}

/** What was found out of all entries. */
export interface KeysFacts {
  readonly introspections: readonly IntrospectionFacts[]
  /** Of the providers that publish metadata. */
  readonly metadata: readonly MetadataFacts[]
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
  const http = { ...KEY_HTTP, fetch: fetchTimed }
  const load = createKeyLoads(http)
  // An entry without algorithms accepts no signed token.
  const signing = entries.filter(({ algorithms }) => algorithms.length > 0)
  const [keys, introspections, metadata] = await Promise.all([
    Promise.all(
      signing.map(async entry => ({
        entry,
        algorithms: entry.algorithms,
        loaded: await attempt(() => load(entry), describe),
      })),
    ),
    Promise.all(entries.flatMap(entry => probeIntrospection(entry) ?? [])),
    Promise.all(entries.slice(0, MAX_METADATA).map(entry => probeMetadata(entry, http))),
  ])
  return {
    keys,
    introspections,
    metadata: metadata.flat(),
    clock,
    tolerance: Math.min(...entries.map(({ clock_tolerance_s = 30 }) => clock_tolerance_s)),
  }
}

/** Asks the endpoint of an entry about a made-up token. Undefined if it has none. */
function probeIntrospection(entry: Entry): Promise<IntrospectionFacts> | undefined {
  const { introspection } = entry
  if (introspection === undefined) return undefined
  const token = `doctor-${crypto.randomUUID()}`
  const work = async () => (await introspect(token, introspection, INTROSPECTION)) !== undefined
  return attempt(work, describe).then(isFooled => ({ entry, isFooled }))
}

/** Most providers whose metadata is fetched: Workers limit how many requests one may cause. */
const MAX_METADATA = 10

/** Fetches the metadata of an entry's issuer. Empty if it publishes none, as many providers do. */
async function probeMetadata(entry: Entry, http: KeyHttp): Promise<readonly MetadataFacts[]> {
  if (!isSecure(plainUrl(entry.issuer))) return []
  const [url] = metadataUrls(entry.issuer)
  const document = await attempt(() => fetchJson(url, http, AbortSignal.timeout(REMOTE_KEYS.timeout)))
  if (document instanceof Failure || !isObject(document)) return []
  const { issuer, access_token_issuer, jwks_uri, dpop_signing_alg_values_supported } = document
  return [
    {
      entry,
      issuers: [issuer, access_token_issuer].filter(one => typeof one === 'string'),
      jwksUri: typeof jwks_uri === 'string' ? jwks_uri : undefined,
      offersDpop: Array.isArray(dpop_signing_alg_values_supported),
    },
  ]
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
