import type { Secret } from '../base/secret.ts'
import type { Severity } from '../watch/severity.ts'

/** The kinds of systems that can be alerted. */
export const ALERT_TYPES = ['webhook', 'slack', 'pagerduty', 'teams', 'email'] as const
/** One of {@link ALERT_TYPES}. */
export type AlertType = (typeof ALERT_TYPES)[number]

/** The services of e-mail whose HTTP API is spoken. */
export const MAIL_SERVICES = ['postmark', 'resend', 'sendgrid'] as const
/** One of {@link MAIL_SERVICES}. */
export type MailService = (typeof MAIL_SERVICES)[number]

/** A system that is alerted of findings. */
export interface AlertEntry {
  readonly type: AlertType
  /**
   * What it is called in commands, and the key of how far it is: under another name it is a new one.
   *
   * @defaultValue the type
   */
  readonly name?: string
  /**
   * Its address (`https://`). Of `slack` and `teams` the address is a secret, and `secret` has it. `pagerduty` and `email` have
   * defaults.
   */
  readonly url?: string
  /**
   * Its secret. Of a webhook that of Standard Webhooks, several during a rotation; of `pagerduty` the routing key; of `email` the
   * key of the service. In `ALERTS` each is `{"secret":"NAME"}`, and the variable `NAME` holds the secret.
   */
  readonly secret: string | Secret | readonly (string | Secret)[]
  /**
   * Alerts of findings that are at least so severe.
   *
   * @defaultValue `high`
   */
  readonly severity?: Severity
  /**
   * Alerts only of findings that were not acknowledged in time, and of their end.
   *
   * @defaultValue `false`
   */
  readonly escalation?: boolean
  /** Alerts of this tenant's findings alone. */
  readonly tenant?: string
  /** Permits an address within a network of one's own. Without it, the gate could be used to call services in there. */
  readonly allow_internal?: boolean
  /** Of `email`: the service whose API is called. */
  readonly service?: MailService
  /** Of `email`: the address that it is sent from, which the service must know. */
  readonly from?: string
  /** Of `email`: the addresses that it is sent to. */
  readonly to?: readonly string[]
}

/** Returns what an entry is called. */
export const alertName = ({ type, name = type }: Pick<AlertEntry, 'type' | 'name'>): string => name
