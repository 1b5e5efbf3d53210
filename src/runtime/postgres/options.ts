import { isLoopback } from '../../base/url.ts'
import { oneOf } from '../../config/checks.ts'
import type { Group, Mistake, TableOf } from '../../config/option.ts'
import { ConfigurationError } from '../../config/options.ts'

/** Which PostgreSQL database holds the log of a fleet. */
export interface DatabaseOptions {
  /**
   * The address of the PostgreSQL database that holds the log of all machines, as in
   * `postgres://mediaward:PASSWORD@db.clinic.example/mediaward`. It is a secret.
   *
   * TLS with a certificate that is checked is the default (`sslmode=verify-full`), except on the gate's own machine.
   *
   * @defaultValue none: the log in `DATA_DIR`
   */
  readonly url: string
  /**
   * Whether `sslmode` in that address may say `disable` (no TLS), or `require` without a check of the certificate.
   *
   * Any machine on the way could read the log, and answer in place of the database.
   *
   * @defaultValue `false`
   */
  readonly allowUnverified?: boolean
  /**
   * Whether the gate may run without a `DATA_DIR`, as on Deno Deploy. While the database is down, every answer is then 503.
   *
   * @defaultValue `false`
   */
  readonly allowNoSpool?: boolean
}

/** Where a database is, and who connects to it. */
export interface Database {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Whether the connection uses TLS, and whether the server's certificate is checked. */
  readonly tls: 'none' | 'unverified' | 'verified'
}

/** Reads `true` and `false`. */
const parseFlag = (string: string): unknown => (/^(?:true|false)$/.test(string) ? string === 'true' : string)

/** A name, an IPv4 address, or an IPv6 address in brackets. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/
const ADDRESS = 'must be the address of a database, as in "postgres://USER:PASSWORD@HOST:5432/DATABASE"'

/** The options of a fleet's database. No mistake repeats a value, as it holds a password. */
export const DATABASE_OPTIONS: TableOf<
  Group<'database', DatabaseOptions>,
  'database.allowUnverified' | 'database.allowNoSpool'
> = {
  'database.url': {
    variable: 'DATABASE_URL',
    required: true,
    // Machines that share a log share the recordings.
    needs: 's3.endpoint',
    runtimes: ['deno', 'node'],
    check: checkUrl,
  },
  'database.allowUnverified': {
    variable: 'ALLOW_UNVERIFIED_DATABASE',
    default: false,
    runtimes: ['deno', 'node'],
    parse: parseFlag,
    check: oneOf(true, false),
  },
  'database.allowNoSpool': {
    variable: 'ALLOW_NO_SPOOL',
    default: false,
    runtimes: ['deno', 'node'],
    parse: parseFlag,
    check: oneOf(true, false),
  },
}

/**
 * Reads the options of a database.
 *
 * @throws ConfigurationError if the URL is wrong
 */
export function databaseOf(options: DatabaseOptions): Database {
  const { url, allowUnverified = false } = options
  const mistakes = checkUrl(url, { database: options })
  if (mistakes.length > 0) throw new ConfigurationError(mistakes.map(([, what]) => `DATABASE_URL ${what}`))
  const parsed = new URL(url)
  const mode = parsed.searchParams.get('sslmode') ?? (isLoopback(asHttp(parsed)) ? 'disable' : 'verify-full')
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port || 5432),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    tls: mode === 'disable' ? 'none' : mode === 'require' && allowUnverified ? 'unverified' : 'verified',
  }
}

function checkUrl(
  value: unknown,
  { database }: { readonly database?: { readonly allowUnverified?: unknown } },
): readonly Mistake[] {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^postgres(?:ql)?:$/.test(url.protocol)) return [['', ADDRESS]]
  const { hostname, username, password, pathname, searchParams } = url
  const mistakes: string[] = []
  const isWhole = HOST.test(hostname) && username !== '' && password !== '' && /^\/[^/]+$/.test(pathname)
  if (!isWhole || ![username, password, pathname].every(isDecodable)) mistakes.push(ADDRESS)
  if ([...searchParams.keys()].some(name => name !== 'sslmode') || url.hash !== '') {
    mistakes.push('must have no parameter but sslmode; in the password, write "?" as %3F and "#" as %23')
  }
  const mode = searchParams.get('sslmode')
  if (mode !== null && !['disable', 'require', 'verify-full'].includes(mode)) {
    mistakes.push('must have "verify-full" as its sslmode, or none')
  }
  if (mode === 'disable' && database?.allowUnverified !== true && !isLoopback(asHttp(url))) {
    mistakes.push(
      'must not say sslmode=disable: without TLS, any machine on the way reads and changes the log',
    )
  }
  return mistakes.map(what => ['', what] as const)
}

function isDecodable(part: string): boolean {
  try {
    return decodeURIComponent(part) !== ''
  } catch {
    return false
  }
}

/** The same host in a URL of a scheme whose hosts are put into one form, as in `http://127.0.0.1`. */
const asHttp = ({ host }: URL): URL | undefined =>
  URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined
