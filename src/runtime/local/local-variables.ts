import type { KeepOptions } from '../../archive/keep-options.ts'
import { checkTable } from '../../config/check-options.ts'
import { isString, matching, number, rule } from '../../config/checks.ts'
import { type Group, type Runtime, type TableOf, withDefaults } from '../../config/option.ts'
import { ConfigurationError } from '../../config/options.ts'
import { parseVariables, type Variables } from '../../config/variables.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import { DATABASE_OPTIONS, type DatabaseOptions } from '../postgres/options.ts'
import { S3_OPTIONS, type S3Options } from '../s3/options.ts'

/** The settings of a gate on one machine, beside the options that every runtime has. */
export interface LocalVariables {
  /**
   * The folder of this process alone, on a local disk.
   *
   * @defaultValue none: required, unless `ALLOW_NO_SPOOL` is `true`
   */
  readonly data?: string
  /**
   * The address that Node listens on; `deno serve` takes `--host`.
   *
   * @defaultValue `127.0.0.1`
   */
  readonly host: string
  /**
   * The port that Node listens on, 0 for any; `deno serve` takes `--port`.
   *
   * @defaultValue `8787`
   */
  readonly port: number
  /**
   * The header in which the proxy in front says where a request came from, such as `X-Real-IP`. It is believed: name one
   * only if the proxy sets it on every request.
   *
   * Of a list the last address counts, which is the one that the proxy wrote. Without a proxy that sets the header, a
   * client could write any address into the log.
   *
   * @defaultValue none: the connection's address
   */
  readonly addressHeader?: string
  /** The S3-compatible store of the recordings, if any of the variables `S3_…` is set. */
  readonly s3?: S3Options
  /** The database of the log, if `DATABASE_URL` is set. */
  readonly database?: DatabaseOptions
}

type NamedOptions = Omit<LocalVariables, 'host' | 'port' | 's3' | 'database'> &
  Partial<Pick<LocalVariables, 'host' | 'port'>> &
  Group<'s3', S3Options> &
  Group<'database', DatabaseOptions>

const runtimes: readonly Runtime[] = ['deno', 'node']
const A_FOLDER = 'must name a folder on a local disk, for this gate alone'

/** The options of a gate on one machine: more rows of the table in `config/table.ts`. */
export const LOCAL_OPTIONS: TableOf<
  NamedOptions,
  'host' | 'port' | 's3.region' | 'database.allowUnverified' | 'database.allowNoSpool'
> = {
  data: {
    variable: 'DATA_DIR',
    runtimes,
    check: rule(A_FOLDER, isString),
  },
  host: {
    variable: 'HOST',
    default: '127.0.0.1',
    runtimes: ['node'],
    check: rule('must be an address or a name', isString),
  },
  port: {
    variable: 'PORT',
    default: 8787,
    runtimes: ['node'],
    parse: Number,
    check: number('a whole number', 0, 65_535, Number.isInteger),
  },
  addressHeader: {
    variable: 'ADDRESS_HEADER',
    runtimes,
    check: matching('must be the name of a header, as in "X-Real-IP"', /^[A-Za-z0-9-]{1,64}$/),
  },
  ...S3_OPTIONS,
  ...DATABASE_OPTIONS,
}

/**
 * Checks the options of a gate on one machine. `data` is required unless `database.allowNoSpool` is true.
 *
 * @param mistakes what is known to be wrong already
 * @throws ConfigurationError with all mistakes at once
 */
export function checkLocal(
  options: { readonly data?: unknown; readonly database?: Partial<DatabaseOptions> },
  mistakes: readonly string[] = [],
): void {
  const isMissing = options.data === undefined && options.database?.allowNoSpool !== true
  const missing = isMissing ? [`DATA_DIR (data) is missing: it ${A_FOLDER}`] : []
  checkTable(LOCAL_OPTIONS, options, undefined, [...mistakes, ...missing])
}

/** What makes a machine fit to be one of a fleet. */
export interface FleetOptions {
  readonly database?: DatabaseOptions | undefined
  readonly s3?: S3Options | undefined
  readonly sinks?: readonly SinkEntry[] | undefined
  readonly keep?: KeepOptions | undefined
}

/**
 * Makes sure that each machine of a fleet could be the log. Without a database there is no fleet.
 *
 * @throws ConfigurationError
 */
export function checkFleet({ database, s3, sinks = [], keep }: FleetOptions): void {
  if (database === undefined) return
  const mistakes: string[] = []
  if (sinks.some(({ type, url }) => type === 'files' && url === undefined)) {
    mistakes.push('SINKS: with DATABASE_URL, files need the url of a bucket, as each machine may be the log')
  }
  if (keep !== undefined && s3?.auditBucket === undefined) {
    mistakes.push(
      'LOG_DAYS, LOG_RECORDS and ARCHIVE_YEARS need S3_AUDIT_BUCKET with DATABASE_URL: without an archive no record is removed',
    )
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
}

/**
 * Reads the variables of a gate on one machine.
 *
 * @throws ConfigurationError with all mistakes at once
 */
export function readLocalVariables(variables: Variables): LocalVariables {
  const { options, mistakes } = parseVariables(LOCAL_OPTIONS, variables)
  checkLocal(options, mistakes)
  return withDefaults(LOCAL_OPTIONS, options) as LocalVariables
}
