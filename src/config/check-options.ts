import { warnOfDoubtfulIssuers } from '../doctor/doubtful-issuers.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import type { TicketOptions } from '../ticket/ticket-options.ts'
import { findMistakes, labelOf, type Table, withDefaults } from './option.ts'
import { ConfigurationError, type MediawardOptions } from './options.ts'
import { type Defaulted, OPTIONS } from './table.ts'

/** Options that are right, with every default filled in. */
export interface ResolvedOptions
  extends Omit<MediawardOptions, 'tickets' | 'bodyTimeouts' | Defaulted>,
    Required<Pick<MediawardOptions, Extract<Defaulted, keyof MediawardOptions>>> {
  readonly tickets?: Required<TicketOptions>
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/**
 * Checks the options that can be given in variables, before store and ledger are opened.
 *
 * @throws ConfigurationError with all mistakes at once
 */
export function checkOptions(options: Omit<MediawardOptions, 'store' | 'ledger' | 'control'>): void {
  const table: Table = OPTIONS
  const names = Object.keys(table).filter(name => table[name]?.variable !== undefined)
  checkTable(table, options, names)
}

/**
 * Checks all options and fills in the defaults.
 *
 * @throws ConfigurationError with all mistakes at once
 */
export function resolveOptions(options: MediawardOptions): ResolvedOptions {
  checkTable(OPTIONS, options)
  warnOfDoubtfulIssuers(options.issuers)
  return withDefaults(OPTIONS, { ...options, bodyTimeouts: options.bodyTimeouts ?? {} }) as ResolvedOptions
}

/**
 * Checks options against a table.
 *
 * @param names the options to check. Default: all of the table
 * @param mistakes what is known to be wrong already, in words
 * @throws ConfigurationError with all mistakes at once
 */
export function checkTable(
  table: Table,
  options: object,
  names?: readonly string[],
  mistakes: readonly string[] = [],
): void {
  const found = findMistakes(table, options, names).map(
    ([name, at, what]) => `${labelOf(table, name, at)} ${what}`,
  )
  if (mistakes.length + found.length > 0) throw new ConfigurationError([...mistakes, ...found])
}
