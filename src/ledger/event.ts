import type { Reason } from '../reason.ts'

/** Version of the gate, as it stands in every record. */
export const VERSION = '0.2.0'

/** What the log knows of where a request came from. */
export interface EventNetwork {
  /** The address cut to its network: /24 of IPv4, /48 of IPv6. */
  readonly prefix?: string
  /** Pseudonym of the address. */
  readonly ip?: string
  readonly asn?: number
  readonly country?: string
}

/**
 * One record of the log: who was refused what, when and why. People, sessions, tokens and addresses are keyed
 * pseudonyms, so that records can be joined and name nobody. An absent member means that it isn't known: nothing
 * that a caller merely claims is ever written down as a fact.
 */
export interface AccessEvent {
  /** Version of this format. */
  readonly v: 1
  /** UUIDv7 (RFC 9562), made by the gate; the `instance` of the refusal. */
  readonly id: string
  /** When, UTC with milliseconds. */
  readonly t: string
  readonly kind: 'access'
  readonly tenant: string
  readonly decision: 'deny'
  readonly reason: Reason
  /** The status that was answered. */
  readonly status: number
  readonly method: string
  /** The range asked for, as far as it was well formed. */
  readonly range?: string
  readonly subject?: string
  readonly issuer?: string
  readonly session?: string
  readonly token?: string
  readonly roles?: readonly string[]
  readonly recording?: string
  readonly owner?: string
  readonly part?: string
  readonly release?: string
  readonly client?: string
  readonly net?: EventNetwork
  readonly gate: {
    readonly version: string
    /** Which isolate of the gate: a random text, made when it started. */
    readonly isolate: string
    /** Counts the isolate's records from 1: a hole is a record that got lost. */
    readonly seq: number
  }
}
