import { ALGORITHMS, type Issuer } from './authenticate/issuer.ts'
import type { WaitUntil } from './authenticate/key-source.ts'
import type { RecordingStore } from './deliver/recording-store.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Network } from './ledger/network.ts'
import { MIN_KEY_LENGTH } from './ledger/pseudonym.ts'
import { compileLocation, type Location, locationsUnder } from './locate/location.ts'

/** Everything that Mediaward is told by the app that mounts it, or by the variables of a deployment. */
export interface MediawardOptions {
  /** Whose tokens are trusted. At least one. Variable `ISSUERS` (JSON). */
  readonly issuers: readonly Issuer[]
  /** Where the recordings are. */
  readonly store: RecordingStore
  /** Where refusals are recorded. Without it nothing can be refused, so nothing is answered. */
  readonly ledger: Ledger
  /**
   * The secret under which people become pseudonyms in the log: at least 32 characters, random. Variable
   * `PSEUDONYM_KEY`. Whoever has it can test a guess at who a pseudonym is.
   */
  readonly pseudonymKey: string
  /**
   * From URL to stored object. Default: the two locations below `/recordings`, one for recordings of one file and one
   * for their parts. Variables `LOCATIONS` (JSON) or, for another prefix only, `MEDIA_PREFIX`.
   */
  readonly locations?: readonly Location[]
  /** The origins whose pages may read answers, such as `https://app.clinic.example`. Default none. Variable `ALLOWED_ORIGINS`. */
  readonly allowedOrigins?: readonly string[]
  /** The status for "not yours", "not there" and "not your role" alike. Default 404. Variable `CONCEALED_STATUS`. */
  readonly concealedStatus?: 403 | 404
  /** Where a request came from, as the runtime knows it; never from a header that a client can set. Default: nothing. */
  readonly network?: (request: Request) => Network
  /** How a body of known length is sent. Default: as it is. On Workers `cloudflare()` gives the right one. */
  readonly send?: (
    body: ReadableStream<Uint8Array>,
    length: number,
    waitUntil: WaitUntil,
  ) => ReadableStream<Uint8Array>
  /** Is given a record that no store would take. Default: the console, which platforms keep for a while. */
  readonly lastResort?: (json: string) => void
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** A configuration that can't be served. Names every mistake: where, what is wrong, how to mend it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'

  constructor(mistakes: readonly string[]) {
    super(`Mediaward can't start:\n${mistakes.map(mistake => `  - ${mistake}`).join('\n')}`)
  }
}

/**
 * Checks options before the first request. Settings that could do harm have no default.
 *
 * @throws ConfigurationError with all mistakes at once
 */
export function checkOptions(options: MediawardOptions): void {
  const { issuers, pseudonymKey, locations = locationsUnder('/recordings'), allowedOrigins = [] } = options
  const mistakes = [
    ...checkIssuers(issuers),
    ...checkPseudonymKey(pseudonymKey),
    ...checkLocations(locations),
    ...checkOrigins(allowedOrigins),
  ]
  if (options.store === undefined)
    mistakes.push('store is missing: give it the place where the recordings are')
  if (options.ledger === undefined)
    mistakes.push('ledger is missing: give it the place where refusals are recorded')
  if (![undefined, 403, 404].includes(options.concealedStatus)) {
    mistakes.push('CONCEALED_STATUS (concealedStatus) must be 404 or 403')
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
}

function checkPseudonymKey(key: unknown): string[] {
  if (typeof key === 'string' && key.length >= MIN_KEY_LENGTH) return []
  return [
    `PSEUDONYM_KEY (pseudonymKey) must be a secret of at least ${MIN_KEY_LENGTH} characters: make one with "openssl rand -base64 32"`,
  ]
}

function checkLocations(locations: readonly Location[]): string[] {
  if (locations.length === 0) return ['LOCATIONS (locations) must hold at least one location']
  return locations.flatMap((location, index) => {
    try {
      compileLocation(location)
      return []
    } catch (error) {
      return [`LOCATIONS[${index}]: ${(error as Error).message}`]
    }
  })
}

function checkOrigins(origins: readonly string[]): string[] {
  return origins
    .filter(origin => !URL.canParse(origin) || new URL(origin).origin !== origin || origin === 'null')
    .map(
      origin =>
        `ALLOWED_ORIGINS (allowedOrigins): ${JSON.stringify(origin)} is no origin: write scheme and host, as in "https://app.clinic.example", with no path and no "*"`,
    )
}

const MEMBERS: Readonly<Record<keyof Issuer, 'text' | 'texts' | 'seconds' | 'other'>> = {
  issuer: 'text',
  audience: 'texts',
  algorithms: 'texts',
  jwks_uri: 'text',
  jwks: 'other',
  subject_claim: 'text',
  roles_claim: 'text',
  tenant_claim: 'text',
  session_claim: 'text',
  release_claim: 'text',
  clock_tolerance_s: 'seconds',
  max_age_s: 'seconds',
}

/** Checks issuers that may come from JSON, so nothing about their types is taken for granted. */
function checkIssuers(issuers: unknown): string[] {
  if (!Array.isArray(issuers) || issuers.length === 0) {
    return [
      'ISSUERS (issuers) must be a list of at least one issuer, each with issuer, audience, algorithms, and jwks_uri or jwks',
    ]
  }
  const mistakes = issuers.flatMap((issuer: unknown, index) => {
    if (typeof issuer !== 'object' || issuer === null) return [`ISSUERS[${index}] must be an object`]
    return checkIssuer(issuer as Readonly<Record<string, unknown>>).map(
      mistake => `ISSUERS[${index}].${mistake}`,
    )
  })
  const names = issuers.map(issuer => (issuer as Partial<Issuer> | null)?.issuer)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index) {
      mistakes.push(
        `ISSUERS[${index}].issuer ${JSON.stringify(name)} is there twice: give its audiences as one list`,
      )
    }
  }
  return mistakes
}

function checkIssuer(issuer: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  for (const [member, value] of Object.entries(issuer)) {
    const kind = Object.hasOwn(MEMBERS, member) ? MEMBERS[member as keyof Issuer] : undefined
    if (kind === undefined)
      mistakes.push(`${member} is unknown: it may have ${Object.keys(MEMBERS).join(', ')}`)
    if (kind === 'text' && !isText(value)) mistakes.push(`${member} must be a text that isn't empty`)
    if (kind === 'seconds' && !(typeof value === 'number' && value >= 0 && Number.isFinite(value))) {
      mistakes.push(`${member} must be a number of seconds, 0 or more`)
    }
  }
  if (issuer.issuer === undefined) mistakes.push('issuer is missing: the "iss" of its tokens, to the letter')
  const audiences = Array.isArray(issuer.audience) ? issuer.audience : [issuer.audience]
  if (audiences.length === 0 || !audiences.every(isText)) {
    mistakes.push(
      'audience must name at least one "aud": without it, tokens for any other app would be taken',
    )
  }
  mistakes.push(...checkAlgorithms(issuer.algorithms), ...checkKeys(issuer))
  if (typeof issuer.clock_tolerance_s === 'number' && issuer.clock_tolerance_s > 300) {
    mistakes.push('clock_tolerance_s must be at most 300: longer, and expired tokens live on')
  }
  return mistakes
}

function checkAlgorithms(algorithms: unknown): string[] {
  const known: readonly unknown[] = ALGORITHMS
  const bad =
    Array.isArray(algorithms) && algorithms.length > 0
      ? algorithms.find(one => !known.includes(one))
      : algorithms
  if (Array.isArray(algorithms) && algorithms.length > 0 && bad === undefined) return []
  const what = Array.isArray(algorithms) && algorithms.length > 0 ? `: ${JSON.stringify(bad)} is none` : ''
  return [`algorithms must list at least one of ${ALGORITHMS.join(', ')}${what}`]
}

function checkKeys({ jwks, jwks_uri }: Readonly<Record<string, unknown>>): string[] {
  if ((jwks === undefined) === (jwks_uri === undefined))
    return ['jwks_uri or jwks must be there, one of them']
  if (typeof jwks_uri === 'string' && !isKeyServer(jwks_uri)) {
    return [
      'jwks_uri must be an https URL without user or password: keys that came over plain http could be anybody’s',
    ]
  }
  if (jwks === undefined) return []
  const keys = (jwks as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length === 0)
    return ['jwks must be a JWK set with at least one key (RFC 7517 5)']
  const secret = keys.findIndex(key => typeof key !== 'object' || key === null || 'd' in key || 'k' in key)
  return secret < 0
    ? []
    : [`jwks.keys[${secret}] must be a public key: take private and symmetric keys out at once`]
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Plain http is for a server on this very machine, which no deployed worker can reach. */
function isKeyServer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const loopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && loopback))
}
