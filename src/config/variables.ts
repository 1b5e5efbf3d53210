import { locationsUnder } from '../locate/location.ts'
import { checkTable } from './check-options.ts'
import { isString } from './checks.ts'
import { labelOf, type Option, setOption, type Table } from './option.ts'
import type { DeploymentOptions, MediawardOptions } from './options.ts'
import { resolveSecrets, secretVariables } from './secrets.ts'
import { KEEP, OPTIONS } from './table.ts'

/** The variables of a deployment: the same on every runtime. All are strings. */
export type Variables = Readonly<Record<string, unknown>>

/** The options that can be given in variables. */
export type VariableOptions = Pick<
  MediawardOptions,
  | 'issuers'
  | 'locations'
  | 'views'
  | 'allowedOrigins'
  | 'allowedHeaders'
  | 'concealedStatus'
  | 'tickets'
  | 'publicUrl'
  | 'metricsToken'
  | 'lockdownUndo'
  | 'drills'
> &
  Pick<DeploymentOptions, 'ledgerJurisdiction' | 'sinks' | 'alerts' | 'respond' | 'dryRun' | 'keep'> & {
    readonly pseudonymKey: readonly string[]
    readonly ledgerShards: number
  }

/** The options that are checked at once, as an app gives none of them in code. */
const DEPLOYMENT = [
  'MEDIA_PREFIX',
  'ledgerShards',
  'ledgerJurisdiction',
  'sinks',
  'alerts',
  'respond',
  'dryRun',
  ...KEEP,
]

/**
 * Reads the variables as options. `mediaward` checks their values, as it does for options that are given in code.
 *
 * @throws ConfigurationError if a string can't be read as what it must be, or a variable without an option is wrong
 */
export function readVariables(variables: Variables): VariableOptions {
  const { options, mistakes } = parseVariables(OPTIONS, variables)
  checkTable(OPTIONS, options, DEPLOYMENT, mistakes)
  const { MEDIA_PREFIX: prefix, ...given } = options
  return {
    issuers: [],
    pseudonymKey: [],
    ...(isString(prefix) && { locations: locationsUnder(prefix) }),
    ledgerShards: OPTIONS.ledgerShards.default,
    // Of any type so far: `checkOptions` looks at each of them before it is used.
    ...given,
  }
}

/** What a set of variables says. */
interface Parsed {
  /** By the options' names, each of any type. */
  readonly options: Record<string, unknown>
  /** The variables that aren't strings, or couldn't be parsed. */
  readonly mistakes: readonly string[]
}

/** Parses the variables of a table. A variable that is blank counts as not set. */
export function parseVariables(table: Table, variables: Variables): Parsed {
  const options: Record<string, unknown> = {}
  const mistakes: string[] = []
  for (const [name, { variable = '', secrets = [], parse = String }] of Object.entries(table)) {
    const value = variables[variable]
    if (value === undefined) continue
    try {
      if (typeof value !== 'string') throw new Error('must be a string: put it in quotes')
      if (value.trim() !== '') {
        setOption(options, name, resolveSecrets(parse(value.trim()), secrets, variables, variablesOf(table)))
      }
    } catch (error) {
      mistakes.push(`${labelOf(table, name)} ${(error as Error).message}`)
    }
  }
  return { options, mistakes }
}

/**
 * Lists the names of a table's variables.
 *
 * @param variables adds those that JSON in these variables names for its secrets
 */
export function variablesOf(table: Table, variables: Variables = {}): readonly string[] {
  return Object.values(table).flatMap(row => {
    const { variable } = row
    return variable === undefined ? [] : [variable, ...secretsNamedIn(variables[variable], row)]
  })
}

/** Lists the variables that a variable names for its secrets. None if it can't be parsed, which is found out elsewhere. */
function secretsNamedIn(value: unknown, { secrets = [], parse }: Option): readonly string[] {
  try {
    return typeof value === 'string' ? secretVariables(parse?.(value), secrets) : []
  } catch {
    return []
  }
}
