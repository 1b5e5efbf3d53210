import { Refusal } from '../../refusal.ts'
import type { Action, Permit, Principal } from '../decision.ts'

/** The roles that open something here. Any other name of a role means nothing to the gate. */
export const ROLES = ['recorder', 'security', 'app'] as const

/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

const ROLE_FOR: Readonly<Record<Exclude<Action, 'play'>, Role>> = {
  store: 'recorder',
  audit: 'security',
  list: 'app',
}

/**
 * Storing takes the role `recorder`, reading the log the role `security`, asking what another subject may play the role
 * `app`. No role lets anyone play.
 */
export function roleRule(subject: Principal, action: Exclude<Action, 'play'>): Permit | Refusal {
  return subject.roles.includes(ROLE_FOR[action]) ? { permit: 'role' } : new Refusal('role_missing')
}
