import type { Ownership } from '../recordings/recording.ts'
import type { Principal } from './subject.ts'

/** What a subject wants to do: watch a recording, or what a role permits. */
export type Action = 'play' | RoleAction

/** An action that a role permits, whatever recording it is about. */
export type RoleAction = 'store' | 'list' | ConsoleAction

/**
 * What is done at the console: read the log and its findings (`audit`), work on findings (`triage`), stop what is going on
 * (`contain`), say that a release of the app is out (`mark`), and whatever else it takes to run a gate (`operate`).
 */
export type ConsoleAction = 'audit' | 'triage' | 'contain' | 'mark' | 'operate'

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
  /** The only tenant that may be looked at or acted on. Absent if all may be. */
  readonly tenant?: string
}
