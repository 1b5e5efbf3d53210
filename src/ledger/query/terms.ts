import { mayKnowOwner } from '../../authorize/rules/tenant.ts'
import { KINDS } from '../event.ts'
import { type LedgerQuery, QUERY_FIELDS, type QueryField } from '../ledger.ts'
import { type TenantFacts, tenantsOf } from '../tenant-view.ts'

/** What records are found by, the most selective first. */
const FIELDS: readonly Field[] = [...QUERY_FIELDS, 'tenant', 'kind']
type Field = QueryField | 'tenant' | 'kind'

/** A field of a record, and a value that the record is found by. */
export type Term = readonly [field: Field, value: string]

/** A query, as far as it says which records it wants. */
export type AskedQuery = Pick<LedgerQuery, QueryField | 'kind' | 'tenant' | 'since' | 'until'>

/** What a query asks of a field: one of these values. */
export interface AskedField {
  readonly field: Field
  readonly values: readonly string[]
}

/** A record as far as it is found by its members. Its JSON may have any other form: then it is found by fewer. */
export interface FoundEvent {
  readonly [member: string]: unknown
}

/** Parses a record. One that is not JSON must not stop all that come after it. */
export function parseEvent(json: string): FoundEvent {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as FoundEvent) : {}
  } catch {
    return {}
  }
}

/** Returns when a record was made, in milliseconds since 1970; 0 if it doesn't say. */
export function recordedAt({ recorded, t }: FoundEvent): number {
  const time = Date.parse(`${recorded ?? t}`)
  return time > 0 ? time : 0
}

/** Returns all that a record is found by. */
export function termsOf(event: FoundEvent): readonly Term[] {
  return FIELDS.flatMap(field => valuesOf(event, field).map((value): Term => [field, value]))
}

/** From when until when, in milliseconds since 1970. */
export interface Times {
  readonly since: number
  readonly until: number
}

/** Returns when the records were made that a query asks for. */
export function timesOf({ since, until }: Pick<LedgerQuery, 'since' | 'until'>): Times {
  return {
    since: since === undefined ? 0 : Date.parse(since),
    until: until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until),
  }
}

/**
 * Returns whether a record is what a query asks for.
 *
 * @param fields what `fieldsAsked` returns for the query
 */
export function isWanted(json: string, query: AskedQuery, fields: readonly AskedField[]): boolean {
  const { owner, tenant } = query
  const { since, until } = timesOf(query)
  // Parsing every record of the log would take most of the time of reading it.
  if (fields.length === 0 && since === 0 && until === Number.POSITIVE_INFINITY) return true
  const event = parseEvent(json)
  if (owner !== undefined && tenant !== undefined && !mayKnowOwner(event as TenantFacts, tenant)) return false
  const recorded = recordedAt(event)
  return (
    recorded >= since &&
    recorded < until &&
    fields.every(({ field, values }) => valuesOf(event, field).some(value => values.includes(value)))
  )
}

/** Returns which fields a query asks, the most selective first. */
export function fieldsAsked(query: AskedQuery): readonly AskedField[] {
  const { kind, tenant } = query
  const fields = QUERY_FIELDS.flatMap((field): AskedField[] => {
    const asked = query[field]
    return asked === undefined ? [] : [{ field, values: [asked].flat() }]
  })
  const kinds = kind === undefined ? KINDS : [kind]
  if (tenant !== undefined)
    return [...fields, { field: 'tenant', values: kinds.map(one => ofTenant(one, tenant)) }]
  return kind === undefined ? fields : [...fields, { field: 'kind', values: kinds }]
}

function valuesOf(event: FoundEvent, field: Field): readonly string[] {
  const kind = typeof event.kind === 'string' ? event.kind : ''
  if (field === 'kind') return [kind]
  if (field === 'tenant') return tenantsOf(event as TenantFacts).map(tenant => ofTenant(kind, tenant))
  const value = event[field]
  return typeof value === 'string' ? [value] : []
}

/** With the kind, so that a rare kind of a large tenant is found without a scan. */
const ofTenant = (kind: string, tenant: string): string => `${kind} ${tenant}`
