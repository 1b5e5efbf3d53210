import type { Ownership } from '../../recordings/recording.ts'
import { Refusal } from '../../refusal.ts'
import type { Permit } from '../decision.ts'
import type { Principal } from '../subject.ts'

/**
 * Vetoes if subject and recording belong to different tenants, or if only one of them has a tenant. If neither has one,
 * the deployment has no tenants and there is nothing to veto.
 */
export function tenantVeto(subject: Principal, recording: Ownership): Refusal | undefined {
  return subject.tenant === recording.tenant ? undefined : new Refusal('tenant_mismatch')
}

/**
 * Names that the log writes in place of a tenant that is absent, or whose name it can't write. A subject whose
 * tenant has such a name must not read the records of others by it.
 */
const NOT_A_TENANT: ReadonlySet<string> = new Set(['default', 'unnamed'])

/**
 * Restricts a permit to read records to the subject's own tenant. A subject without a tenant reads nothing if the
 * deployment has tenants, unless the subject may see all of them.
 */
export function withinTenant({ tenant, allTenants }: Principal, permit: Permit): Permit | Refusal {
  if (tenant === undefined) return allTenants === true ? permit : new Refusal('tenant_mismatch')
  return isTenantName(tenant) ? { ...permit, tenant } : new Refusal('tenant_mismatch')
}

/** Returns whether the log can mean one tenant by this name. */
export const isTenantName = (tenant: string): boolean => !NOT_A_TENANT.has(tenant)

/** The tenants that a record belongs to. Older records lack the recording's tenant. */
interface OfTenants {
  readonly tenant?: string
  readonly recording_tenant?: string
}

/** Returns whether a reader of one tenant may see a record: its caller or its recording belongs to that tenant. */
export function isOfTenant(record: OfTenants, tenant: string): boolean {
  return record.tenant === tenant || record.recording_tenant === tenant
}

/** Returns whether a reader of one tenant may see a recording's owner: only if the recording belongs to that tenant. */
export function mayKnowOwner({ recording_tenant }: OfTenants, tenant: string): boolean {
  return recording_tenant === tenant
}
