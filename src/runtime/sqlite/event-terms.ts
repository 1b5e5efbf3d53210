import { KINDS } from '../../ledger/event.ts'
import { type LedgerQuery, QUERY_FIELDS } from '../../ledger/ledger.ts'
import { type TenantFacts, tenantsOf } from '../../ledger/tenant-view.ts'

/** A field of a record, and the value that it is found by. */
export type Term = readonly [field: string, value: string]

/** What a record is found by. Derived from its JSON, which alone is the truth. */
export interface EventTerms {
  /** When it was recorded, in milliseconds since 1970; 0 if it doesn't say. */
  readonly recorded: number
  readonly terms: readonly Term[]
}

/** Returns what a record is found by. What it says in another form than ours is left out. */
export function termsOf(json: string): EventTerms {
  const event = parsed(json)
  const recorded = Date.parse(`${event.recorded ?? event.t}`)
  const kind = typeof event.kind === 'string' ? event.kind : ''
  return {
    recorded: recorded > 0 ? recorded : 0,
    terms: [
      ['kind', kind],
      ...QUERY_FIELDS.flatMap((name): Term[] => {
        const value = event[name]
        return typeof value === 'string' ? [[name, value]] : []
      }),
      ...tenantsOf(event as TenantFacts).map(tenant => ofTenant(kind, tenant)),
    ],
  }
}

/**
 * Returns the terms that a query asks for, the most telling first. A record must have one term of each list.
 */
export function termsAsked({
  kind,
  tenant,
  ...query
}: Omit<LedgerQuery, 'after'>): readonly (readonly Term[])[] {
  const fields = QUERY_FIELDS.flatMap(name => {
    const value = query[name]
    return value === undefined ? [] : [[[name, value] as const]]
  })
  const kinds = kind === undefined ? KINDS : [kind]
  if (tenant !== undefined) return [...fields, kinds.map(one => ofTenant(one, tenant))]
  return kind === undefined ? fields : [...fields, [['kind', kind]]]
}

/** With the kind, so that a rare kind of a large tenant is found without a scan. */
const ofTenant = (kind: string, tenant: string): Term => ['tenant', `${kind} ${tenant}`]

/** A record that is not JSON must not stop all that come after it. */
function parsed(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
