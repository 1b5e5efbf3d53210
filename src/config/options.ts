import type { AlertEntry } from '../alerts/alert.ts'
import type { KeepOptions } from '../archive/keep-options.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import type { Network } from '../base/network.ts'
import type { Control } from '../control/control.ts'
import type { Finding } from '../doctor/finding.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ViewPolicy } from '../ledger/views.ts'
import type { Location } from '../locate/location.ts'
import type { ProcessMetrics } from '../metrics/process-metrics.ts'
import type { OwnerLookup, OwnerSource } from '../recordings/owner-source.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import type { SinkControl } from '../sinks/control.ts'
import type { SinkEntry } from '../sinks/sink.ts'
import type { TicketOptions } from '../ticket/ticket-options.ts'
import type { FindingControl } from '../watch/finding-control.ts'
import type { RespondedRule } from '../watch/findings/clear.ts'
import type { RuleSettings } from '../watch/in-force.ts'

// The first paragraph of each doc comment and its default are also the row of docs/configuration.md.

/** The options of a gate. An app that mounts it gives them in code; a deployment gives most of them in variables. */
export interface MediawardOptions {
  /** The identity providers whose tokens are trusted. At least one. */
  readonly issuers: readonly Issuer[]
  /**
   * The secrets that turn people into pseudonyms in the log, each at least 32 random characters. The first one writes, all of
   * them read: a query for a person finds what is recorded under each (docs/operating.md).
   *
   * Anyone who has one can test a guess at whose a pseudonym under it is.
   */
  readonly pseudonymKey: string | readonly string[]
  /**
   * Which stored object each URL leads to: URL patterns and key templates. For another prefix alone, `MEDIA_PREFIX` is
   * enough.
   *
   * @defaultValue `/recordings/ID` and `/recordings/ID/PART…`
   */
  readonly locations?: readonly Location[]
  /**
   * The origins whose pages may read answers, such as `https://app.clinic.example`.
   *
   * @defaultValue none
   */
  readonly allowedOrigins?: readonly string[]
  /**
   * Request headers that those pages may send, in addition to the usual ones (docs/players.md).
   *
   * The usual ones are `Authorization` and the others that the gate reads, and those that players and tracing tools add
   * by themselves.
   *
   * @defaultValue none
   */
  readonly allowedHeaders?: readonly string[]
  /**
   * The one status for "not yours", "not there" and "not your role".
   *
   * @defaultValue `404`
   */
  readonly concealedStatus?: 403 | 404
  /**
   * Whether the first byte of a view waits until the view is recorded (`sync`) or not (`async`; the record says so).
   *
   * With `async` a ledger that is down stops no video, and a crash may lose the record that a recording was watched.
   *
   * @defaultValue `sync`
   */
  readonly views?: ViewPolicy
  /** Tickets, for players that can't send a header. Without this, the gate issues none and accepts none. */
  readonly tickets?: TicketOptions
  /**
   * The origin that players reach the gate at: `https://…`, or `http://` with a loopback name.
   *
   * The URLs of tickets begin with it, an absolute URL in a playlist may begin with it, the AuthZEN configuration names
   * it, and so does a DPoP proof. The gate never takes it from a request's `Host`.
   *
   * @defaultValue none: no tickets, no AuthZEN configuration, no absolute URLs in playlists, no DPoP
   */
  readonly publicUrl?: string | undefined
  /**
   * Says who owns a recording, in place of the stamp on the object: a function that looks it up, or several sources that
   * must agree (docs/owners.md).
   *
   * Must not depend on the code that lists recordings.
   *
   * @defaultValue `stampedOwners`
   */
  readonly owner?: OwnerSource | OwnerLookup
  /** The store of the recordings. `cloudflare(env)` and `local({ data })` give one. */
  readonly store: RecordingStore
  /** The log of refusals and views. `cloudflare(env)` and `local({ data })` give one. */
  readonly ledger: Ledger
  /**
   * The restrictions in force: lockdowns, and logins that have ended. `cloudflare(env)` and `local({ data })` give one.
   */
  readonly control: Control
  /**
   * How many persons it takes to undo a lockdown of a tenant or of everything: `two`, of whom the second one confirms within an
   * hour what the first one asked for, or `one`. Adding one always takes one person.
   *
   * @defaultValue `one`
   */
  readonly lockdownUndo?: 'one' | 'two'
  /**
   * Whether `mediaward drill` may rehearse an incident at this gate (`allow`) or not (`refuse`). It leaves recordings, records,
   * findings and alerts behind: allow it in a staging deployment alone.
   *
   * @defaultValue `refuse`
   */
  readonly drills?: 'allow' | 'refuse'
  /**
   * Returns where a request came from, as the runtime knows it. `platform` is what the server hands over beside the
   * request.
   *
   * Never read it from a header that a client can set.
   *
   * @defaultValue nothing is known
   */
  readonly network?: (request: Request, platform: unknown) => Network
  /** How long clients may take to send a body. */
  readonly bodyTimeouts?: BodyTimeouts
  /**
   * Whether the gate answers `/healthz` (alive) and `/readyz` (ready, or 503).
   *
   * @defaultValue `false`; the deployed gate always does
   */
  readonly health?: boolean
  /**
   * The secret that a scraper reads the metrics with, and nothing else: at least 32 characters of letters, digits and
   * `-._~+/`.
   *
   * @defaultValue none: only the role `security` may
   */
  readonly metricsToken?: string | undefined
  /**
   * What a process that lasts counts for the metrics. `local({ data })` gives one.
   *
   * @defaultValue the metrics say what the whole log adds up to, as on Workers, where no isolate lasts
   */
  readonly metrics?: ProcessMetrics
  /**
   * Brings records back that the ledger couldn't take. The gate's own `scheduled()` calls it. `cloudflare(env)` gives one.
   *
   * @defaultValue nothing to bring back
   */
  readonly replay?: () => Promise<void>
  /**
   * Examines the machine, for `mediaward doctor`: its runtime and its disk. `local({ data })` gives one.
   *
   * @defaultValue the machine is not examined
   */
  readonly inspect?: () => Promise<readonly Finding[]>
  /**
   * Lists, tests and replays the sinks of the log, for `mediaward sinks`. `cloudflare(env)` and `local({ data })` give one.
   *
   * @defaultValue no sinks
   */
  readonly sinkControl?: SinkControl
  /**
   * What the rules of the log found, for `mediaward findings`. `cloudflare(env)` and `local({ data })` give one.
   *
   * @defaultValue no rules
   */
  readonly findingControl?: FindingControl | undefined
  /**
   * Which rules of the log only try, and to which the gate responds, for `mediaward doctor`. `cloudflare(env)` and
   * `local({ data })` give it.
   *
   * @defaultValue the doctor says no more than that there are rules
   */
  readonly rules?: RuleSettings | undefined
  /**
   * Releases what `store` and `ledger` hold. The gate's own `close()` calls it after its last record.
   *
   * @defaultValue nothing to release
   */
  readonly close?: () => void | Promise<void>
  /**
   * Takes a record, as JSON, that no ledger would take.
   *
   * @defaultValue writes it to the console, which platforms keep for a while
   */
  readonly onUnrecorded?: (json: string) => void
  /**
   * Returns the time in milliseconds since 1970.
   *
   * @defaultValue the clock of the machine
   */
  readonly now?: () => number
}

/** What a deployment can say in variables, and an app that mounts the gate can't say in its options. */
export interface DeploymentOptions {
  /**
   * The path that all recordings are below: a short way to say `LOCATIONS`.
   *
   * @defaultValue `/recordings`
   */
  readonly MEDIA_PREFIX?: string
  /**
   * The number of inboxes of the log, 1 to 64: Durable Objects that records are spread over until the log has them. One
   * takes some thousand records a second. It may be raised and lowered at any time. In code it is the second argument of
   * `cloudflare`.
   *
   * @defaultValue `4`
   */
  readonly ledgerShards?: number
  /**
   * The jurisdiction that the Durable Objects with the records stay in: `eu`, `us`, `fedramp` or `fedramp-high`. Choose it
   * before the first deployment: after a change the gate begins an empty log, and no longer reads the one it had. In code
   * it is the third argument of `cloudflare`.
   *
   * @defaultValue none: Cloudflare chooses
   */
  readonly ledgerJurisdiction?: LedgerJurisdiction
  /**
   * The systems that records are sent to: webhooks, Splunk, Elastic and others (docs/sinks.md). In code it is the option
   * `sinks` of `local`; on Workers the log itself reads the variable.
   *
   * @defaultValue none
   */
  readonly sinks?: readonly SinkEntry[]
  /**
   * The systems that are alerted of findings: webhooks, Slack, PagerDuty, Teams and e-mail (docs/watching.md). In code it is the
   * option `alerts` of `local`; on Workers the log itself reads the variable.
   *
   * @defaultValue none
   */
  readonly alerts?: readonly AlertEntry[]
  /**
   * The rules to whose findings the gate responds by itself, if they are clear: `RG-002` blocks the session, `RG-003` freezes the
   * release (only one that tokens prove, and at most once an hour), `RG-022` quarantines the recording. In code it is the option
   * `respond` of `local`; on Workers the log itself reads the variable.
   *
   * @defaultValue none: an analyst does it
   */
  readonly respond?: readonly RespondedRule[]
  /**
   * The rules that only try what they would find: their findings are marked, and alert no one. In code it is the option `dryRun` of
   * `local`; on Workers the log itself reads the variable.
   *
   * @defaultValue none
   */
  readonly dryRun?: readonly string[]
  /** How long records are kept. In code it is the option `keep` of `local`; on Workers the log itself reads the variables. */
  readonly keep?: KeepOptions
}

/** A jurisdiction of Durable Objects. */
export type LedgerJurisdiction = 'eu' | 'us' | 'fedramp' | 'fedramp-high'

/** Reports every mistake in a configuration at once: which variable and option, what is wrong, and how to fix it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(`Mediaward can't start:\n${mistakes.map(mistake => `  - ${mistake}`).join('\n')}`)
    this.mistakes = mistakes
  }
}
