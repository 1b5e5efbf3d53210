import { Refusal } from '../../refusal.ts'
import type { Permit, RoleAction } from '../decision.ts'
import type { Principal } from '../subject.ts'

/** The roles that permit something here. Other role names mean nothing to the gate. */
export const ROLES = ['recorder', 'security', 'app', 'analyst', 'viewer'] as const

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

const ROLES_FOR: Readonly<Record<RoleAction, readonly Role[]>> = {
  store: ['recorder'],
  list: ['app'],
  mark: ['security', 'app'],
  operate: ['security'],
  contain: ['security'],
  triage: ['security', 'analyst'],
  audit: ['security', 'analyst', 'viewer'],
}

/** Returns the roles that permit an action, the one that permits the least last. */
export const rolesFor = (action: RoleAction): readonly Role[] => ROLES_FOR[action]

/** Returns the most that a role permits. */
export function actionOf(role: Role): RoleAction {
  const actions = Object.keys(ROLES_FOR) as RoleAction[]
  return actions.find(action => ROLES_FOR[action].includes(role)) ?? 'store'
}

/**
 * Permits by role: `recorder` may store, `app` may ask what another subject may play, and say that a release is out. `viewer` may read the log and its
 * findings, `analyst` may work on findings, too, and `security` may do all that the console does. No role permits playing.
 */
export function roleRule(subject: Principal, action: RoleAction): Permit | Refusal {
  return ROLES_FOR[action].some(role => subject.roles.includes(role))
    ? { permit: 'role' }
    : new Refusal('role_missing')
}
