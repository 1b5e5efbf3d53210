import { Refusal } from '../../refusal.ts'
import type { Permit, RoleAction } from '../decision.ts'
import type { Principal } from '../subject.ts'

/** The roles that permit something here. Other role names mean nothing to the gate. */
export const ROLES = ['recorder', 'security', 'app'] as const

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

const ROLE_FOR: Readonly<Record<RoleAction, Role>> = {
  store: 'recorder',
  audit: 'security',
  list: 'app',
}

/** Returns what a role permits. */
export function actionOf(role: Role): RoleAction {
  const actions = Object.keys(ROLE_FOR) as RoleAction[]
  return actions.find(action => ROLE_FOR[action] === role) ?? 'store'
}

/**
 * Permits by role: `recorder` may store, `security` may read the log, `app` may ask what another subject may play. No
 * role permits playing.
 */
export function roleRule(subject: Principal, action: RoleAction): Permit | Refusal {
  return subject.roles.includes(ROLE_FOR[action]) ? { permit: 'role' } : new Refusal('role_missing')
}
