import type { Binding } from '../../recordings/recording.ts'
import { Refusal } from '../../refusal.ts'
import type { Permit, Principal } from '../decision.ts'

/**
 * Veto: subject and recording belong to different tenants, or only one of them to any. Where neither names a tenant
 * the deployment has no tenants, and there is nothing to veto.
 */
export function tenantVeto(subject: Principal, recording: Binding): Refusal | undefined {
  return subject.tenant === recording.tenant ? undefined : new Refusal('tenant_mismatch')
}

/** What the log calls a tenant that there is none of, or that has no name it can write: no tenant may read by these. */
const NOT_A_TENANT: ReadonlySet<string> = new Set(['default', 'unnamed'])

/**
 * Keeps a permit to read records to the subject's own tenant. A subject without a tenant reads nothing if there are
 * tenants, unless it may see all of them.
 */
export function withinTenant({ tenant, allTenants }: Principal, permit: Permit): Permit | Refusal {
  if (tenant === undefined) return allTenants === true ? permit : new Refusal('tenant_mismatch')
  return NOT_A_TENANT.has(tenant) ? new Refusal('tenant_mismatch') : { ...permit, tenant }
}

/** The tenants that a record is of. Older records don't say the recording's. */
interface OfTenants {
  readonly tenant?: string
  readonly recording_tenant?: string
}

/** Whether a reader of one tenant may see a record: its caller or its recording is of that tenant. */
export function isOfTenant(record: OfTenants, tenant: string): boolean {
  return record.tenant === tenant || record.recording_tenant === tenant
}

/** Whether a reader of one tenant may see whose a recording is: only if it is known to be of that tenant. */
export function mayKnowOwner({ recording_tenant }: OfTenants, tenant: string): boolean {
  return recording_tenant === tenant
}
