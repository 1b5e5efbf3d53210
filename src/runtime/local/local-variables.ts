import { ConfigurationError } from '../../config/options.ts'
import type { Variables } from '../../config/variables.ts'
import { checkS3Options, type S3Options } from '../s3/store.ts'

/** The variables that a gate on one machine reads beside those of every runtime. */
export const LOCAL_VARIABLES = [
  'DATA_DIR',
  'HOST',
  'PORT',
  'ADDRESS_HEADER',
  'S3_ENDPOINT',
  'S3_BUCKET',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'S3_REGION',
] as const

/** What a gate on one machine is told in variables. */
export interface LocalVariables {
  /** `DATA_DIR`: the folder of this process alone. Required. */
  readonly data: string
  /** `HOST`: the address to listen on. Default 127.0.0.1, for a proxy on the same machine. `deno serve` takes `--host`. */
  readonly host: string
  /** `PORT`: default 8787; 0 takes any. `deno serve` takes `--port`. */
  readonly port: number
  /**
   * `ADDRESS_HEADER`: the header in which the proxy in front says where a request came from, such as `X-Real-IP`. Of a
   * list the last one counts, which is the one that the proxy wrote. Without a proxy that sets it, anybody could write
   * any address into the log. Default: the address of the connection.
   */
  readonly addressHeader?: string
  /** The store of the recordings, where any of the variables `S3_…` is set. */
  readonly s3?: S3Options
}

/**
 * Reads the variables of a gate on one machine.
 *
 * @throws ConfigurationError that names every mistake
 */
export function readLocalVariables(variables: Variables): LocalVariables {
  const text = (name: (typeof LOCAL_VARIABLES)[number]): string | undefined => {
    const value = variables[name]
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }
  const mistakes: string[] = []
  const data = text('DATA_DIR')
  if (data === undefined)
    mistakes.push('DATA_DIR is missing: name a folder on a local disk, for this gate alone')
  const port = Number(text('PORT') ?? 8787)
  if (!Number.isInteger(port) || port < 0 || port > 65535) mistakes.push('PORT must be from 0 (any) to 65535')
  const addressHeader = text('ADDRESS_HEADER')
  if (addressHeader !== undefined && !/^[A-Za-z0-9-]{1,64}$/.test(addressHeader)) {
    mistakes.push('ADDRESS_HEADER must be the name of a header, as in "X-Real-IP"')
  }
  const region = text('S3_REGION')
  const s3: S3Options = {
    endpoint: text('S3_ENDPOINT') ?? '',
    bucket: text('S3_BUCKET') ?? '',
    accessKeyId: text('S3_ACCESS_KEY_ID') ?? '',
    secretAccessKey: text('S3_SECRET_ACCESS_KEY') ?? '',
    ...(region !== undefined && { region }),
  }
  const usesS3 = LOCAL_VARIABLES.some(name => name.startsWith('S3_') && text(name) !== undefined)
  if (usesS3) mistakes.push(...checkS3Options(s3))
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return {
    data: data ?? '',
    host: text('HOST') ?? '127.0.0.1',
    port,
    ...(addressHeader !== undefined && { addressHeader }),
    ...(usesS3 && { s3 }),
  }
}
