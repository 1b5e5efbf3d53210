import type { Binding } from '../recordings/recording.ts'

/** What a subject wants to do: watch a recording, store one, read the log, or ask what another subject may watch. */
export type Action = 'play' | 'store' | 'audit' | 'list'

/** Who asks, as far as the rules may see: the facts of a verified token and nothing else of it. */
export interface Principal {
  /** The subject's id, unique only together with `issuer`. */
  readonly id: string
  /** The `iss` of the token: a trusted issuer's, compared as text. */
  readonly issuer: string
  readonly roles: readonly string[]
  readonly tenant?: string
  /**
   * True if it may read what belongs to any tenant: the deployment has no tenants, or the subject has none and its
   * issuer may see them all.
   */
  readonly allTenants?: boolean
}

/** One question to the rules (OpenID AuthZEN: subject, action, resource). */
export interface Question {
  readonly subject: Principal
  readonly action: Action
  /** The recording's binding; null where there is no such recording. Of no account but for `play`. */
  readonly recording: Binding | null
}

/** A permit names the rule that gave it. */
export interface Permit {
  readonly permit: 'owner' | 'role'
  /** The only tenant whose records it opens. Absent if it opens those of all. */
  readonly tenant?: string
}
