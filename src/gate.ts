import { createAuthenticator } from './authenticate/bearer.ts'
import { TokenRefusal } from './authenticate/claims.ts'
import { type Admissions, authenticatePlayback } from './authenticate/playback.ts'
import type { Subject } from './authorize/subject.ts'
import type { WaitUntil } from './base/wait-until.ts'
import { checkOptions, checkStores, clockOf, type MediawardOptions } from './config/options.ts'
import { recordsRoute } from './console/records.ts'
import type { Desk } from './evaluate/evaluate.ts'
import { methodsOfAsking, withRequestId } from './evaluate/paths.ts'
import { accessRoute } from './evaluate/route.ts'
import { guard, type Handler } from './guard.ts'
import type { Storage } from './ingest/storage.ts'
import { storeRecording } from './ingest/store-recording.ts'
import { createRefusalRecorder } from './ledger/coalesce.ts'
import { createDeliveryRecorder } from './ledger/deliveries.ts'
import type { EventKind } from './ledger/event.ts'
import { createPseudonymizer } from './ledger/pseudonym.ts'
import { createRecorder } from './ledger/recorder.ts'
import { createViewRecorder } from './ledger/views.ts'
import { compileLocation, locationsUnder } from './locate/location.ts'
import { methodsAt, operationOf } from './locate/target.ts'
import { type Playing, playRecording } from './play/play-recording.ts'
import { createVerdicts } from './play/read-playlist.ts'
import { Refusal } from './refusal.ts'
import type { RequestContext } from './request-context.ts'
import { issueTicket, type TicketOffice } from './ticket/issue-ticket.ts'
import { createTickets } from './ticket/ticket.ts'

/** The gate's routes. */
export interface Gate {
  /** Plays and stores recordings. */
  readonly recordings: Handler
  /** Answers what a subject may play, before an app shows a list of it. */
  readonly access: Handler
  /** Lists refusals, for the role `security`. */
  readonly denials: Handler
  /** Lists records of any kind, for the role `security`. */
  readonly records: Handler
  /** Records what is counted and not on record yet. For when a process ends. */
  flush(): Promise<void>
}

/**
 * Makes a gate: the way of a request, from one end to the other. What a stage refuses goes to the guard, which records
 * it before it is answered.
 *
 * @throws ConfigurationError where the options can't be served
 */
export function createGate(options: MediawardOptions): Gate {
  checkOptions(options)
  checkStores(options)
  const { issuers, store, ledger, publicUrl, bodyTimeouts, tickets: ticketing } = options
  const pseudonym = createPseudonymizer(options.pseudonymKey)
  const now = clockOf(options)
  const record = createRecorder(ledger, pseudonym, now, options.onUnrecorded)
  const refusals = createRefusalRecorder(record, now)
  const guarded = guard(options, refusals)
  const locations = (options.locations ?? locationsUnder('/recordings')).map(compileLocation)
  const authenticate = createAuthenticator(issuers)
  const names = issuers.map(({ issuer }) => issuer)
  // Without a second issuer there is no doubt whose patient an owner is.
  const defaultIssuer = names.length === 1 ? names[0] : undefined
  const keyPrefixes = (recording: string) => locations.map(({ keyPrefix }) => keyPrefix(recording))
  const deliveries = createDeliveryRecorder(record, now)
  const beginView = createViewRecorder(record, now, options.views)
  const verdicts = createVerdicts()
  const playing: Playing = { store, defaultIssuer, locations, publicUrl, verdicts, beginView, deliveries }
  const storage: Storage = { store, issuers: names, keyPrefixes, locations, publicUrl, bodyTimeouts }
  const tickets = ticketing && createTickets(ticketing.keys)
  const trusted = new Map(issuers.map(entry => [entry.issuer, entry]))
  const admissions: Admissions = { identify, tickets, issuers: trusted, locations }
  const desk: Desk = {
    store,
    defaultIssuer,
    keyPrefixes,
    issuers: new Set(names),
    record,
    pseudonym,
    bodyTimeouts,
  }
  const office: TicketOffice | undefined = tickets &&
    ticketing && {
      tickets,
      options: ticketing,
      store,
      defaultIssuer,
      keyPrefixes,
      locations,
      record,
      publicUrl,
    }

  const recordings = guarded(async (context, crossOrigin, waitUntil) => {
    const target = operationOf(context.request, locations)
    if (target instanceof Refusal) return target
    if ('ref' in target) context.ref = target.ref
    const { action } = target
    if (action === 'play' || 'ticket' in target) {
      const viewer = await authenticatePlayback(context, target, admissions, waitUntil)
      if (viewer instanceof Refusal) return viewer
      return playRecording(context, viewer.ref, viewer.subject, playing, crossOrigin, waitUntil)
    }
    if (action === undefined) return new Refusal('method_not_allowed')

    const subject = await identify(context, waitUntil)
    if (subject instanceof Refusal) return subject
    if (action === 'ticket') return issueTicket(context, target, subject, office, crossOrigin)
    return storeRecording(context, action, target.ref, subject, storage, crossOrigin)
  }, methodsAt)

  const reading = (only?: EventKind) => guarded(recordsRoute(identify, ledger, only), () => 'GET, OPTIONS')
  const asking = guarded(accessRoute(identify, desk, publicUrl), methodsOfAsking)

  /** A token that is refused may still have told, by a good signature, whose it is: the record says so. */
  async function identify(context: RequestContext, waitUntil: WaitUntil): Promise<Subject | Refusal> {
    const outcome = await authenticate(context.request, context.at, waitUntil)
    const subject =
      outcome instanceof TokenRefusal ? outcome.subject : outcome instanceof Refusal ? undefined : outcome
    if (subject !== undefined) context.subject = subject
    return outcome
  }

  const flush = async () => void (await Promise.all([refusals.flush(), deliveries.flush()]))
  const access: Handler = async (request, ...rest) => withRequestId(request, await asking(request, ...rest))
  return { recordings, access, denials: reading('access'), records: reading(), flush }
}
