import { QUERY_FIELDS, type QueryField } from '../../ledger/ledger.ts'
import { type TenantFacts, tenantsOf } from '../../ledger/tenant-view.ts'

/** What is stored of a record beside its JSON, to find it by. The JSON alone is the truth. */
export interface EventColumns {
  /** When it was recorded, in milliseconds since 1970. */
  readonly recorded: number
  readonly kind: string
  readonly fields: Readonly<Record<QueryField, string | null>>
  readonly tenants: readonly string[]
}

/** Derives the columns of a record. What it doesn't say, or says in another form than ours, is left empty. */
export function columnsOf(json: string): EventColumns {
  const event = parsed(json)
  const recorded = Date.parse(`${event.recorded ?? event.t}`)
  return {
    recorded: Number.isFinite(recorded) ? recorded : 0,
    kind: textOf(event.kind) ?? '',
    fields: Object.fromEntries(
      QUERY_FIELDS.map(name => [name, textOf(event[name])]),
    ) as EventColumns['fields'],
    tenants: tenantsOf(event as TenantFacts),
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A record that is not JSON must not stop all that come after it. */
function parsed(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
