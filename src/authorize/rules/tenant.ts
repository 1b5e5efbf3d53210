import type { Binding } from '../../recording.ts'
import { type Refused, refused } from '../../refusal.ts'
import type { Principal } from '../decision.ts'

/**
 * Veto: subject and recording belong to different tenants, or only one of them to any. Where neither names a tenant
 * the deployment has no tenants, and there is nothing to veto.
 */
export function tenantVeto(subject: Principal, recording: Binding): Refused | undefined {
  return subject.tenant === recording.tenant ? undefined : refused('tenant_mismatch')
}
