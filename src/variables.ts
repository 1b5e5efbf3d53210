import type { Issuer } from './authenticate/issuer.ts'
import { type Location, locationsUnder } from './locate/location.ts'
import { ConfigurationError, type MediawardOptions } from './options.ts'

/** The variables of a deployment: the same on every runtime. All are texts. */
export type Variables = Readonly<Record<string, unknown>>

/** The names that are read, each with what it is for. */
export const VARIABLES = {
  ISSUERS: 'whose tokens are trusted (JSON list)',
  PSEUDONYM_KEY: 'secret under which people become pseudonyms in the log',
  MEDIA_PREFIX: 'path that recordings are below, instead of /recordings',
  LOCATIONS: 'URL patterns and key templates, instead of MEDIA_PREFIX (JSON list)',
  ALLOWED_ORIGINS: 'origins whose pages may read answers, separated by commas',
  CONCEALED_STATUS: '404 or 403, for "not yours" and "not there" alike',
  LEDGER_SHARDS: 'how many ledgers the refusals are spread over',
} as const

/** The options that can be said in variables. */
export type VariableOptions = Pick<
  MediawardOptions,
  'issuers' | 'pseudonymKey' | 'locations' | 'allowedOrigins' | 'concealedStatus'
> & { readonly ledgerShards: number }

/** Most shards: reading the log asks each of them. */
const MAX_SHARDS = 64

/**
 * Reads the variables as options. What they must be like is checked by `checkOptions`.
 *
 * @throws ConfigurationError where a text can't be read as what it should be
 */
export function readVariables(variables: Variables): VariableOptions {
  const mistakes: string[] = []
  const text = (name: keyof typeof VARIABLES): string | undefined => {
    const value = variables[name]
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }
  const list = <Item>(name: keyof typeof VARIABLES): readonly Item[] | undefined => {
    const json = text(name)
    if (json === undefined) return undefined
    try {
      const value: unknown = JSON.parse(json)
      if (Array.isArray(value)) return value
      mistakes.push(`${name} must be a JSON list: put "[" and "]" around it`)
    } catch {
      // What the parser says would quote the text.
      mistakes.push(`${name} is not valid JSON: check quotes, commas and brackets`)
    }
    return []
  }

  const issuers = list<Issuer>('ISSUERS')
  const locations = list<Location>('LOCATIONS')
  for (const [index, location] of (locations ?? []).entries()) {
    if (typeof location?.url !== 'string' || typeof location.key !== 'string') {
      mistakes.push(`LOCATIONS[${index}] must have a url and a key, both texts`)
    }
  }
  const prefix = text('MEDIA_PREFIX')
  if (prefix !== undefined && locations !== undefined) {
    mistakes.push('MEDIA_PREFIX has no effect beside LOCATIONS: take one of them away')
  }
  if (prefix !== undefined && !/^\/[^/](.*[^/])?$/.test(prefix)) {
    mistakes.push('MEDIA_PREFIX must begin with "/" and not end with one, as in "/recordings"')
  }
  const concealed = text('CONCEALED_STATUS')
  if (concealed !== undefined && concealed !== '404' && concealed !== '403') {
    mistakes.push('CONCEALED_STATUS must be 404 or 403')
  }
  const shards = Number(text('LEDGER_SHARDS') ?? 4)
  if (!Number.isInteger(shards) || shards < 1 || shards > MAX_SHARDS) {
    mistakes.push(`LEDGER_SHARDS must be a whole number from 1 to ${MAX_SHARDS}`)
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  const origins = text('ALLOWED_ORIGINS')
    ?.split(',')
    .map(origin => origin.trim())
  return {
    issuers: issuers ?? [],
    pseudonymKey: text('PSEUDONYM_KEY') ?? '',
    locations: locations ?? locationsUnder(prefix ?? '/recordings'),
    ledgerShards: shards,
    ...(origins !== undefined && { allowedOrigins: origins }),
    ...(concealed !== undefined && { concealedStatus: concealed === '403' ? 403 : 404 }),
  }
}
