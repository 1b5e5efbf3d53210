import { type Refused, refused } from '../../refusal.ts'
import type { Action, Permit, Principal } from '../decision.ts'

const ROLE_FOR: Readonly<Record<Exclude<Action, 'play'>, string>> = {
  store: 'recorder',
  audit: 'security',
  list: 'app',
}

/**
 * Storing takes the role `recorder`, reading the log the role `security`, asking what another subject may play the role
 * `app`. No role lets anyone play.
 */
export function roleRule(subject: Principal, action: Exclude<Action, 'play'>): Permit | Refused {
  return subject.roles.includes(ROLE_FOR[action]) ? { permit: 'role' } : refused('role_missing')
}
