import type { Reason } from '../reason.ts'
import type { PlaylistPosition } from '../refusal.ts'
import type { BoundBy } from '../request-context.ts'
import type { DoctorFacts, ExplainFacts, LookFacts, SinkFacts } from './facts/console-facts.ts'
import type { FindingFacts } from './facts/finding-facts.ts'
import type { GapFacts, HeartbeatFacts, KeysFacts } from './facts/gate-facts.ts'
import type { LockdownFacts, ReleaseFacts } from './facts/lockdown-facts.ts'

/** Version of the gate, as every record names it. */
export const VERSION = '0.8.0'

/** Where a request came from, as far as the log knows. */
export interface EventNetwork {
  /** The address cut to its network: /24 of IPv4, /48 of IPv6. */
  readonly prefix?: string
  /** Pseudonym of the address. */
  readonly ip?: string
  readonly asn?: number
  readonly country?: string
}

/**
 * What every record of the log holds. People, sessions, tokens and addresses are keyed pseudonyms, so that records can
 * be joined and name no person. An absent member means that its value isn't known. What a caller merely claims is never
 * recorded as a fact.
 */
export interface EventHead {
  /** Version of this format. */
  readonly v: 1
  /** UUIDv7 (RFC 9562), created by the gate; the `instance` of a refusal. */
  readonly id: string
  /**
   * When the request came, UTC with milliseconds. A caller that holds its body back can be recorded much later. Without a
   * request, when the record was made.
   */
  readonly t: string
  /**
   * When the gate decided to record this, UTC with milliseconds. It stays the same if the record waits in the spool and
   * comes back later: its place in the log is then after those of later records.
   */
  readonly recorded: string
  /** The caller's tenant; if it has none, the recording's, else `default`. */
  readonly tenant: string
  /** The recording's tenant, if it is stamped with one. */
  readonly recording_tenant?: string
  readonly subject?: string
  /** Pseudonym of the actor that acts for the subject. Absent if the subject itself asked. */
  readonly actor?: string
  /** Pseudonyms of the actors before, from the last to the first. */
  readonly prior_actors?: readonly string[]
  readonly issuer?: string
  /**
   * The issuer's entry in the configuration. Of a token whose signature isn't known to be good, all that is known; else
   * only if it has a name of its own.
   */
  readonly entry?: string
  /** Of a token that was refused with a good signature: the claim that is missing, or has the wrong value. */
  readonly claim?: string
  readonly session?: string
  readonly token?: string
  /** Id of the record of the ticket that the request came with. */
  readonly ticket?: string
  readonly roles?: readonly string[]
  readonly recording?: string
  readonly owner?: string
  /** True if the sources of owners name different ones, so that the recording has none. */
  readonly disputed?: true
  /** Of an upload that was refused as a conflict: what names another owner than the recorder does. */
  readonly conflict?: BoundBy
  /** Whom the recorder named then. `owner` is whose the recording is. */
  readonly named?: string
  readonly part?: string
  readonly release?: string
  /** True if a token says the release, or the one that a ticket was issued for. Else a header does, which anyone can change. */
  readonly release_proven?: true
  readonly client?: string
  readonly net?: EventNetwork
  /** Of a refused call that asked what may be played: what it asked about, as far as it was read. */
  readonly asked?: {
    /** How many questions it held. */
    readonly questions: number
    /** Pseudonyms of the subjects it asked about, each once, the first 16. */
    readonly subjects: readonly string[]
    /** The recordings it asked about, each once, the first 256. */
    readonly recordings: readonly string[]
  }
  readonly gate: {
    readonly version: string
    /** Which isolate of the gate: a random string, created at its first record. `log` if the log made the record itself. */
    readonly isolate: string
    /** Counts the isolate's records from 1. A gap is a lost record. */
    readonly seq: number
    /** Names the key of the record's pseudonyms: under another key the same person has others. Absent from records of the log. */
    readonly key?: string
  }
}

/** Who was refused what, when and why. */
export interface AccessFacts {
  readonly kind: 'access'
  readonly decision: 'deny'
  readonly reason: Reason
  /** The status that was answered. */
  readonly status: number
  readonly method: string
  /** The range asked for, as far as it was well formed. */
  readonly range?: string
  /** What in a playlist was refused: its line, and names from our own lists. Never the content of the line. */
  readonly playlist?: PlaylistPosition
  /**
   * Coalesces refusals of a caller that repeats its request. With `until`: until that time, further refusals that look the
   * same to the caller are answered with the id of this record. With `of` and `count`: that many refusals, which share all
   * that this record says, were answered with the id of the record `of`.
   */
  readonly repeats?: { readonly until: string } | { readonly of: string; readonly count: number }
  /**
   * Sums up a flood: refusals without an accepted token that came from one network. With `until`: until that time, further
   * ones for this reason may have no record of their own. Otherwise the record is such a sum.
   */
  readonly sum?: { readonly until: string } | RefusalSum
}

/**
 * Refusals for one reason from one network, each answered with an id of its own. Of the head and of the facts, the record
 * has only what is about the network, the time of the last one, and its status and method.
 */
export interface RefusalSum {
  /** Id of the record that began the network's sum. */
  readonly of: string
  /** How many were refused. */
  readonly count: number
  /** The id of the first one. */
  readonly first: string
  /** The id of the last one. */
  readonly last: string
  /** Ids of at most 20 of them, chosen at random, in the order of their time. */
  readonly sample: readonly string[]
  /** The recordings that they were for, each once, the first 256 that came. Absent if none was for a recording. */
  readonly recordings?: readonly string[]
}

/** A ticket was issued. The ticket's id is the record's. */
export interface TicketFacts {
  readonly kind: 'ticket'
  readonly decision: 'permit'
  /** When the ticket expires, UTC. */
  readonly expires: string
  /** What the ticket is bound to, beside its recording. */
  readonly binding?: readonly ('network' | 'user-agent')[]
}

/**
 * A recording began to be watched: stored before the first byte left, unless `async` says otherwise. Its id names the
 * view. Gates in several places each say that it began: it is one view if recording, subject, actor, session (for a token
 * without one, the token), ticket and network (prefix, AS number, country) are the same, and less than half an hour lies
 * between.
 */
export interface ViewFacts {
  readonly kind: 'view'
  readonly decision: 'permit'
  /** True if the first byte did not wait for this record. */
  readonly async?: true
}

/**
 * Bytes that left in a view since the last such record of it. If a store can't say how much of an answer was taken, all
 * that was asked for counts as having left: it is never less than what did.
 */
export interface DeliveryFacts {
  readonly kind: 'delivery'
  readonly decision: 'permit'
  /** Id of the view's record. */
  readonly view: string
  /** Answers with bytes. */
  readonly answers: number
  /** Of these, the ones that ended early, as the viewer left or a stream broke. */
  readonly cut: number
  /**
   * Of these, the ones of which the store can't say how much was taken. One that ended early may be among them: then it
   * counts in `cut` too, and its bytes are the most that can have left.
   */
  readonly assumed: number
  /** Bytes in all, also those that left twice. */
  readonly bytes: number
  /** Which bytes of which part left. */
  readonly parts: readonly DeliveredPart[]
  /**
   * Of which sums of the gate the log has put this record together, by isolate and the numbers of their records. Absent if it
   * is one sum.
   */
  readonly merged?: readonly { readonly isolate: string; readonly seq: readonly number[] }[]
}

/** Bytes of one part that left, as first and last of each range, by rising number, none touching another. */
export interface DeliveredPart {
  /** Absent if the recording is one file. */
  readonly part?: string
  readonly ranges: readonly (readonly [number, number])[]
}

/** An app asked which of these recordings a subject may play, before it showed a list of them. */
export interface ListedFacts {
  readonly kind: 'listed'
  /** Permit only if all of them were permitted. */
  readonly decision: 'permit' | 'deny'
  /** `filter` if the app says that it shows only what is permitted, so that some refusals are to be expected. */
  readonly mode?: 'filter'
  /** The answers in the order of the questions, each recording once. */
  readonly answers: readonly ListedAnswer[]
  /** If they don't fit into one record: the id of the call's first record, and which one of how many this is. */
  readonly page?: { readonly of: string; readonly number: number; readonly count: number }
  /** The subject that was asked about, if an app asked about another than its own. `subject` is who asked. */
  readonly about?: string
}

/** The answer for one recording of a list. */
export interface ListedAnswer {
  /** Absent if what was asked for can't be a recording's id. */
  readonly recording?: string
  readonly decision: 'permit' | 'deny'
  readonly reason?: Reason
  readonly owner?: string
  /** True if the sources of owners name different ones. */
  readonly disputed?: true
  /** The recording's tenant, if it is stamped with one. */
  readonly recording_tenant?: string
}

/**
 * A recording's id is bound to an owner, for good: `owner` is whose it is, `subject` the recorder whose upload led to it.
 * Stored right before the binding is made, so that there is none without a record. If the upload is refused, the binding
 * may not have been made.
 */
export interface BindingFacts {
  readonly kind: 'binding'
  readonly decision: 'permit'
  /** `bound_again` if there was a binding that names no owner whom the gate knows. */
  readonly action: 'bound' | 'bound_again'
  /** Who named the owner: the upload, or the stamp of an object that was stored by other means than the gate's. */
  readonly source: 'upload' | 'object'
  /** Of an id that was bound again: whether the owner's id is the one that the binding before named, without an issuer. */
  readonly previous?: 'same_owner' | 'other_owner' | 'no_owner'
}

/** What a record says beyond its head. */
export type EventFacts =
  | AccessFacts
  | TicketFacts
  | ViewFacts
  | DeliveryFacts
  | ListedFacts
  | ExplainFacts
  | DoctorFacts
  | LookFacts
  | SinkFacts
  | BindingFacts
  | LockdownFacts
  | ReleaseFacts
  | KeysFacts
  | HeartbeatFacts
  | GapFacts
  | FindingFacts

/** What a record is about. */
export type EventKind = EventFacts['kind']

const NAMES: Readonly<Record<EventKind, true>> = {
  access: true,
  ticket: true,
  view: true,
  delivery: true,
  listed: true,
  console: true,
  binding: true,
  lockdown: true,
  release: true,
  keys: true,
  heartbeat: true,
  gap: true,
  finding: true,
}

/** Every kind of record. */
export const KINDS: readonly EventKind[] = Object.keys(NAMES) as EventKind[]

/** One record of the log, as JSON (RFC 8785). */
export type LedgerEvent = EventHead & EventFacts
/** A record of a refusal. */
export type AccessEvent = EventHead & AccessFacts
