import { ALGORITHMS } from './authenticate/issuer.ts'
import { createKeyChangeRecorder } from './authenticate/keys/key-changes.ts'
import { createKeySources } from './authenticate/keys/key-sources.ts'
import type { PlaybackServices } from './authenticate/playback.ts'
import { ProofVerifier } from './authenticate/proof/proof-verifier.ts'
import { TokenVerifier } from './authenticate/token-verifier.ts'
import { TrustedIssuers } from './authenticate/trusted-issuers.ts'
import type { Network } from './base/network.ts'
import type { ResolvedOptions } from './config/check-options.ts'
import type { FindingServices } from './console/findings.ts'
import { LiveStreams } from './console/live.ts'
import type { LockdownServices } from './console/lockdowns.ts'
import { LookRecorder } from './console/looks/look.ts'
import type { MetricsServices } from './console/metrics.ts'
import type { PseudonymServices } from './console/pseudonym.ts'
import type { RecordsServices } from './console/records.ts'
import type { ReleaseServices } from './console/releases.ts'
import type { SinksServices } from './console/sinks.ts'
import { Containment } from './control/containment.ts'
import { Identities } from './control/identities.ts'
import type { DoctorServices } from './doctor/endpoint.ts'
import type { EvaluationServices } from './evaluate/evaluate.ts'
import { OperatorAdvice } from './explain/operator-advice.ts'
import { CorsPolicy } from './http/cors.ts'
import { CredentialPlaces } from './http/credential-places.ts'
import { Bindings } from './ingest/bindings.ts'
import type { IngestServices } from './ingest/deposit.ts'
import { Deliveries } from './ledger/deliveries.ts'
import { Heartbeats } from './ledger/heartbeats.ts'
import { createPseudonymizer, createPseudonyms } from './ledger/pseudonym.ts'
import { createRecorder } from './ledger/recorder.ts'
import { RefusalRecorder } from './ledger/refusals/coalesce.ts'
import { Views } from './ledger/views.ts'
import { compileLocation } from './locate/location.ts'
import { createLedgerSources } from './metrics/ledger-sources.ts'
import { createLogSource } from './metrics/log-metrics.ts'
import type { ProcessMetrics } from './metrics/process-metrics.ts'
import { createSinkSource } from './metrics/sink-source.ts'
import type { PlayServices } from './play/play-recording.ts'
import { createVerdicts } from './play/read-playlist.ts'
import { Claims } from './recordings/claims.ts'
import { Owners } from './recordings/owner-source.ts'
import type { SessionServices } from './session/endpoints.ts'
import type { TicketServices } from './ticket/issue-ticket.ts'
import { createTickets } from './ticket/ticket.ts'

/** Everything that the gate's use cases work with. Built once; each of them declares what it picks. */
export interface Services
  extends PlaybackServices,
    PlayServices,
    TicketServices,
    IngestServices,
    EvaluationServices,
    RecordsServices,
    PseudonymServices,
    DoctorServices,
    MetricsServices,
    SinksServices,
    LockdownServices,
    FindingServices,
    ReleaseServices,
    SessionServices {
  readonly issuers: TrustedIssuers
  readonly containment: Containment
  readonly cors: CorsPolicy
  /** The status for "not yours" and "not there" alike. */
  readonly concealedStatus: 403 | 404
  /** The algorithms of DPoP proofs, as the challenge names them. Undefined if no entry accepts DPoP. */
  readonly proofAlgorithms: string | undefined
  readonly network: (request: Request, platform: unknown) => Network
  readonly now: () => number
  readonly refusals: RefusalRecorder
  readonly heartbeats: Heartbeats
  readonly operatorAdvice: OperatorAdvice
  /** What this process counts. Undefined if it is one of many that come and go, as on Workers. */
  readonly metrics: ProcessMetrics | undefined
}

/** Builds the services of one gate, from options that were checked. */
export function createServices(options: ResolvedOptions): Services {
  const { store, ledger, publicUrl, bodyTimeouts, tickets, network, now } = options
  const pseudonym = createPseudonymizer(options.pseudonymKey)
  const pseudonyms = createPseudonyms(options.pseudonymKey)
  const { metrics } = options
  metrics?.watchKeys(options.issuers)
  const recorder = createRecorder(ledger, pseudonym, now, options.onUnrecorded)
  const record = metrics?.counting(recorder) ?? recorder
  const locations = options.locations.map(compileLocation)
  const issuers = new TrustedIssuers(
    options.issuers,
    createKeySources({
      changed: createKeyChangeRecorder(record, now),
      fetched: (entry, isLoaded) => metrics?.keysFetched(entry, isLoaded),
    }),
  )
  const identities = new Identities(pseudonyms, issuer => issuers.spacesOf(issuer))
  const acceptsProofs = options.issuers.some(({ dpop }) => dpop !== undefined)
  const proofs = acceptsProofs && publicUrl !== undefined ? new ProofVerifier(publicUrl) : undefined
  const [issuer] = issuers.owning
  // Without a second issuer of patients there is no doubt whose patient an owner is.
  const defaultIssuer = issuers.owning.size === 1 ? issuer : undefined
  return {
    store,
    ledger,
    issuers,
    defaultIssuer,
    owners: new Owners(options.owner, defaultIssuer),
    claims: new Claims(store, defaultIssuer),
    bindings: new Bindings(record, now),
    locations,
    keyPrefixes: recording => locations.map(({ keyPrefix }) => keyPrefix(recording)),
    publicUrl,
    bodyTimeouts,
    tokens: new TokenVerifier(issuers, proofs),
    places: new CredentialPlaces(
      options.issuers.flatMap(({ header }) => header ?? []),
      options.issuers.flatMap(({ cookie }) => cookie ?? []),
    ),
    tickets: tickets && createTickets(tickets.keys),
    ticketOptions: tickets,
    verdicts: createVerdicts(),
    pseudonym,
    pseudonyms,
    control: options.control,
    lockdownUndo: options.lockdownUndo,
    drills: options.drills,
    identities,
    containment: new Containment(options.control, identities, now),
    record,
    refusals: new RefusalRecorder(record, now),
    looks: new LookRecorder(record),
    streams: new LiveStreams(),
    heartbeats: new Heartbeats(record, now),
    operatorAdvice: new OperatorAdvice(issuers.entries),
    metrics,
    metricSources: [
      metrics ?? createLogSource(ledger),
      ...createLedgerSources(ledger, now),
      ...(options.sinkControl === undefined ? [] : [createSinkSource(options.sinkControl)]),
    ],
    metricsToken: options.metricsToken,
    views: new Views(record, now, options.views),
    deliveries: new Deliveries(record, now),
    cors: new CorsPolicy(options.allowedOrigins, options.allowedHeaders),
    concealedStatus: options.concealedStatus,
    proofAlgorithms: proofs && ALGORITHMS.join(' '),
    network,
    settings: options,
    inspect: options.inspect,
    sinkControl: options.sinkControl,
    findingControl: options.findingControl,
    now,
  }
}
