import { isOfTenant, isTenantName, mayKnowOwner } from '../authorize/rules/tenant.ts'
import { canonical } from './canonical.ts'
import type { ListedAnswer } from './event.ts'

/** As much of a record as decides who may see what of it; the rest is passed on as it is. */
export interface TenantFacts {
  readonly tenant?: string
  readonly recording_tenant?: string
  readonly owner?: string
  readonly named?: string
  readonly answers?: unknown
  readonly sum?: unknown
}

/**
 * Returns the tenants whose readers may see something of a record: its caller's and its recording's, or of a list its
 * caller's and those of the recordings in it. Without the names that the log uses for a tenant it can't name.
 */
export function tenantsOf({ tenant, recording_tenant, answers }: TenantFacts): readonly string[] {
  const recordings = Array.isArray(answers)
    ? (answers as readonly (ListedAnswer | null)[]).map(answer => answer?.recording_tenant)
    : [recording_tenant]
  const names = [tenant, ...recordings].filter(name => typeof name === 'string')
  return [...new Set(names)].filter(isTenantName)
}

/**
 * Shows a record to a reader of one tenant: without the owner of another tenant's recording or whom its recorder named, of a list that
 * another tenant's app asked about only the answers about the reader's own recordings, and of a flood not which recordings it was
 * for. Returns undefined if the reader may see nothing of the record, whatever the ledger has found.
 *
 * @param json a record of the log
 */
export function tenantView(json: string, tenant: string): string | undefined {
  const record = JSON.parse(json) as TenantFacts
  const { answers } = record
  if (!Array.isArray(answers)) {
    if (!isOfTenant(record, tenant)) return undefined
    // Whom another tenant's recorder named is a patient of that tenant.
    const { named: _, ...others } = record
    return canonical(withoutForeignOwner(withoutSummed(record.tenant === tenant ? record : others), tenant))
  }
  const list = answers as readonly ListedAnswer[]
  const shown = record.tenant === tenant ? list : list.filter(answer => mayKnowOwner(answer, tenant))
  if (record.tenant !== tenant && shown.length === 0) return undefined
  return canonical({ ...record, answers: shown.map(answer => withoutForeignOwner(answer, tenant)) })
}

/** Leaves out which recordings the requests of a flood were for: whose they are, no one looked. */
function withoutSummed(record: TenantFacts): TenantFacts {
  const { sum } = record
  if (typeof sum !== 'object' || sum === null || !('recordings' in sum)) return record
  const { recordings: _, ...counts } = sum
  return { ...record, sum: counts }
}

function withoutForeignOwner<Part extends TenantFacts | ListedAnswer>(part: Part, tenant: string): Part {
  if (part.owner === undefined || mayKnowOwner(part, tenant)) return part
  const { owner: _, ...rest } = part
  return rest as Part
}
