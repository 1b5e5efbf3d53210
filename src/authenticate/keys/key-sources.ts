import type { Issuer } from '../issuer.ts'
import { createDiscoveryLoader } from './discovery.ts'
import { KEY_HTTP, type KeyHttp } from './fetch-keys.ts'
import type { KeyChange } from './key-changes.ts'
import { createInlineKeys, type KeySource } from './key-source.ts'
import { createFunctionLoader, createUriLoader, type LoadKeys } from './load-keys.ts'
import { createRemoteKeys, REMOTE_KEYS, type RemoteKeysOptions } from './remote-keys.ts'

/** What the key sources of a gate work with. */
export interface KeySourcesOptions {
  readonly http?: KeyHttp
  readonly remote?: RemoteKeysOptions
  /** Called when other keys were loaded from a place than before. Never rejects. */
  readonly changed?: (change: KeyChange) => Promise<void>
  /** Called after keys were fetched, or could not be, with the first entry whose keys they are. */
  readonly fetched?: (entry: Issuer, isLoaded: boolean) => void
}

/**
 * Creates the key sources of a gate's issuers. Entries whose keys come from the same place have one source, so that they
 * are fetched once for all of them.
 *
 * @returns a function that returns the source of an entry, and throws Error if the entry doesn't say where its keys are
 */
export function createKeySources(options: KeySourcesOptions = {}): (entry: Issuer) => KeySource {
  const { http = KEY_HTTP, remote = REMOTE_KEYS, changed, fetched } = options
  const shared = new Map<unknown, SharedSource>()
  return entry => {
    const { issuer, jwks, jwks_uri, discovery, introspection } = entry
    const warnOf = (issuers: ReadonlySet<string>) => (message: string) =>
      remote.warn(`keys of ${named(issuers)}: ${message}`)
    const issuers = new Set([issuer])
    if (typeof jwks === 'object') return createInlineKeys(jwks, warnOf(issuers))
    // Such an entry has no algorithms either, so it accepts no signed token.
    const hasKeys = jwks !== undefined || jwks_uri !== undefined || discovery === true
    if (introspection !== undefined && !hasKeys) return createInlineKeys({ keys: [] })
    const [place, load] = keyPlaceOf(entry, http)
    const known = shared.get(place)
    known?.issuers.add(issuer)
    if (known !== undefined) return known.source
    const source = createRemoteKeys(load, {
      ...remote,
      warn: warnOf(issuers),
      ...(fetched && { fetched: isLoaded => fetched(entry, isLoaded) }),
      ...(changed && {
        changed: (before, after) => changed({ entry, others: [...issuers].slice(1), before, after }),
      }),
    })
    shared.set(place, { source, issuers })
    return source
  }
}

interface SharedSource {
  readonly source: KeySource
  /** The issuers whose keys it has. */
  readonly issuers: Set<string>
}

/** Returns what distinguishes the place of an entry's keys from others, and their loader. */
export function keyPlaceOf(
  { issuer, discovery, jwks_uri, jwks, allow_http_keys = false }: Issuer,
  http: KeyHttp,
): readonly [place: unknown, LoadKeys] {
  if (typeof jwks === 'function') return [jwks, createFunctionLoader(jwks)]
  if (jwks_uri !== undefined) return [jwks_uri, createUriLoader(jwks_uri, http)]
  if (discovery !== true)
    throw new Error(`the entry of ${JSON.stringify(issuer)} doesn't say where its keys are`)
  return [`${allow_http_keys} ${issuer}`, createDiscoveryLoader(issuer, allow_http_keys, http)]
}

function named(issuers: ReadonlySet<string>): string {
  const [first, ...others] = issuers
  return others.length === 0 ? `${first}` : `${first} and ${others.length} more`
}
