import postgres from 'postgres'
import { StorageFault } from '../../base/storage-fault.ts'
import { TimedOut } from '../../base/timeout.ts'

/** PostgreSQL refused a statement. Its connection goes on. */
export class ServerFault extends StorageFault {}

/** What an error of PostgreSQL means to the operator, by its code. */
const MEANINGS: Readonly<Record<string, string>> = {
  '25006': 'it only reads: is DATABASE_URL the address of the primary?',
  '28P01': 'the password is wrong',
  '3D000': 'the database does not exist',
  '42501': 'the role lacks a right',
  '42704': 'is it older than PostgreSQL 14?',
  '53100': 'its disk is full',
  '53300': 'it has too many connections',
  '57014': 'a statement took too long',
  '57P05': 'this process was silent for too long',
}

/**
 * Returns an error as a fault that may be written to the console. It takes over no more than the code: the messages of the
 * driver name hosts and users, and those of PostgreSQL name values.
 */
export function faultOf(error: unknown): StorageFault {
  if (error instanceof StorageFault) return error
  if (error instanceof TimedOut) return new StorageFault(`PostgreSQL ${error.message}`)
  if (!(error instanceof postgres.PostgresError)) {
    const { code } = Object(error) as { readonly code?: unknown }
    const shown = /^[A-Z][A-Z0-9_]{2,40}$/.test(`${code}`) ? ` (${code})` : ''
    return new StorageFault(`PostgreSQL can't be reached${shown}`)
  }
  const { code, severity } = error
  const meaning = MEANINGS[code]
  const message = `PostgreSQL failed (${code}${meaning === undefined ? '' : `, ${meaning}`})`
  return severity === 'ERROR' ? new ServerFault(message) : new StorageFault(message)
}
