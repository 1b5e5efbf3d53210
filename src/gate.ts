import type { Desk } from './access/evaluate.ts'
import { methodsOfAsking, withRequestId } from './access/paths.ts'
import { accessRoute } from './access/route.ts'
import { authenticator } from './authenticate/authenticate.ts'
import type { Subject } from './authenticate/subject.ts'
import { ticketsUnder } from './authenticate/ticket.ts'
import { recordsRoute } from './console/records.ts'
import { guard, type Handler } from './guard.ts'
import type { EventKind } from './ledger/event.ts'
import type { Attempt } from './ledger/observe.ts'
import { pseudonymizer } from './ledger/pseudonym.ts'
import { recorder } from './ledger/recorder.ts'
import { refusalRecorder } from './ledger/repeats.ts'
import { compileLocation, locationsUnder } from './locate/location.ts'
import { methodsAt, targetOf } from './locate/target.ts'
import { checkOptions, checkStores, clockOf, type MediawardOptions } from './options.ts'
import { deliveryRecorder } from './play/deliveries.ts'
import { issueTicket, type TicketOffice } from './play/issue-ticket.ts'
import { type Playing, playRecording } from './play/play-recording.ts'
import { rememberVerdicts } from './play/read-playlist.ts'
import { type Admissions, identifyViewer } from './play/viewer.ts'
import { viewRecorder } from './play/views.ts'
import { isRefused, type Refused, refused } from './refusal.ts'
import type { Storage } from './store/storage.ts'
import { storeRecording } from './store/store-recording.ts'
import type { WaitUntil } from './wait-until.ts'

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
  const pseudonym = pseudonymizer(options.pseudonymKey)
  const now = clockOf(options)
  const record = recorder(ledger, pseudonym, now, options.lastResort)
  const refusals = refusalRecorder(record, now)
  const guarded = guard(options, refusals)
  const locations = (options.locations ?? locationsUnder('/recordings')).map(compileLocation)
  const authenticate = authenticator(issuers)
  const names = issuers.map(({ issuer }) => issuer)
  // Without a second issuer there is no doubt whose patient an owner is.
  const soleIssuer = names.length === 1 ? names[0] : undefined
  const places = (recording: string) => locations.map(({ keyPrefix }) => keyPrefix(recording))
  const deliveries = deliveryRecorder(record, now)
  const beginView = viewRecorder(record, now, options.views)
  const verdicts = rememberVerdicts()
  const playing: Playing = { store, soleIssuer, locations, publicUrl, verdicts, beginView, deliveries }
  const storage: Storage = { store, issuers: names, places, locations, publicUrl, bodyTimeouts }
  const tickets = ticketing && ticketsUnder(ticketing.keys)
  const trusted = new Map(issuers.map(entry => [entry.issuer, entry]))
  const admissions: Admissions = { identify, tickets, issuers: trusted, locations }
  const desk: Desk = { store, soleIssuer, places, issuers: new Set(names), record, pseudonym, bodyTimeouts }
  const office: TicketOffice | undefined = tickets &&
    ticketing && { tickets, options: ticketing, store, soleIssuer, places, locations, record, publicUrl }

  const recordings = guarded(async (attempt, crossOrigin, waitUntil) => {
    const target = targetOf(attempt.request, locations)
    if (isRefused(target)) return target
    if ('place' in target) attempt.place = target.place
    const { action } = target
    if (action === 'play' || 'ticket' in target) {
      const viewer = await identifyViewer(attempt, target, admissions, waitUntil)
      if (isRefused(viewer)) return viewer
      return playRecording(attempt, viewer.place, viewer.subject, playing, crossOrigin, waitUntil)
    }
    if (action === undefined) return refused('method_not_allowed')

    const subject = await identify(attempt, waitUntil)
    if (isRefused(subject)) return subject
    if (action === 'ticket') return issueTicket(attempt, target, subject, office, crossOrigin)
    return storeRecording(attempt, action, target.place, subject, storage, crossOrigin)
  }, methodsAt)

  const reading = (only?: EventKind) => guarded(recordsRoute(identify, ledger, only), () => 'GET, OPTIONS')
  const asking = guarded(accessRoute(identify, desk, publicUrl), methodsOfAsking)

  /** A token that is refused may still have told, by a good signature, whose it is: the record says so. */
  async function identify(attempt: Attempt, waitUntil: WaitUntil): Promise<Subject | Refused> {
    const outcome = await authenticate(attempt.request, attempt.at, waitUntil)
    const subject = isRefused(outcome) ? outcome.subject : outcome
    if (subject !== undefined) attempt.subject = subject
    return outcome
  }

  const flush = async () => void (await Promise.all([refusals.flush(), deliveries.flush()]))
  const access: Handler = async (request, ...rest) => withRequestId(request, await asking(request, ...rest))
  return { recordings, access, denials: reading('access'), records: reading(), flush }
}
