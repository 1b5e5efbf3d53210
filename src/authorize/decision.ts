import type { Ownership } from '../recordings/recording.ts'
import type { Principal } from './subject.ts'

/** What a subject wants to do: watch a recording, store one, read the log, or ask what another subject may watch. */
export type Action = 'play' | RoleAction

/** An action that a role permits, whatever recording it is about. */
export type RoleAction = 'store' | 'audit' | 'list'

/** What a decision depends on, and nothing else does (OpenID AuthZEN: subject, action, resource). */
export type DecisionInput =
  | { readonly subject: Principal; readonly action: RoleAction }
  | {
      readonly subject: Principal
      readonly action: 'play'
      /** Whose the recording is; null if the recording does not exist. */
      readonly recording: Ownership | null
    }

/** The permission to go on. */
export interface Permit {
  /** The rule that permits. */
  readonly permit: 'owner' | 'role'
  /** The only tenant whose records may be read. Absent if the records of all tenants may be. */
  readonly tenant?: string
}
