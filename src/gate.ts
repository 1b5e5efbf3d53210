import { authenticator } from './authenticate/authenticate.ts'
import type { WaitUntil } from './authenticate/key-source.ts'
import type { Subject } from './authenticate/subject.ts'
import { authorize } from './authorize/authorize.ts'
import type { Action } from './authorize/decision.ts'
import { listDenials } from './console/denials.ts'
import { preflightHeaders } from './deliver/cross-origin.ts'
import { bytesOf, deliver, holds, plan, rangeToOpen } from './deliver/deliver.ts'
import type { OpenedPart, StoredPart } from './deliver/recording-store.ts'
import { responseHeaders } from './deliver/response-headers.ts'
import { guard, type Handler } from './guard.ts'
import type { Attempt } from './ledger/observe.ts'
import { locate } from './locate/locate.ts'
import { compileLocation, locationsUnder } from './locate/location.ts'
import { checkOptions, type MediawardOptions } from './options.ts'
import { Fault, isRefused, type Refused, refused } from './refusal.ts'
import { storeRecording } from './store/store-recording.ts'

/** The gate's routes. */
export interface Gate {
  /** Plays and stores recordings. */
  readonly recordings: Handler
  /** Lists refusals, for the role `security`. */
  readonly denials: Handler
}

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['GET', 'play'],
  ['HEAD', 'play'],
  ['PUT', 'store'],
])

/**
 * Makes a gate: the way of a request, from one end to the other.
 *
 * @throws ConfigurationError where the options can't be served
 */
export function createGate(options: MediawardOptions): Gate {
  checkOptions(options)
  const { issuers, store, ledger, send = body => body } = options
  const guarded = guard(options)
  const locations = (options.locations ?? locationsUnder('/recordings')).map(compileLocation)
  const authenticate = authenticator(issuers)
  // Without a second issuer there is no doubt whose patient an owner is.
  const soleIssuer = issuers.length === 1 ? issuers[0]?.issuer : undefined

  const recordings = guarded(async (attempt, crossOrigin, waitUntil) => {
    const { request } = attempt
    if (request.method === 'OPTIONS') {
      const headers = responseHeaders(crossOrigin, preflightHeaders(crossOrigin))
      return new Response(null, { status: 204, headers })
    }

    const place = locate(request.url, locations)
    if (isRefused(place)) return place
    attempt.place = place
    const action = ACTIONS.get(request.method)
    if (action === undefined) return refused('method_not_allowed')

    const subject = await authenticate(request, attempt.at, waitUntil)
    if (isRefused(subject)) return withSubject(attempt, subject)
    attempt.subject = subject

    if (action === 'store') {
      const decision = authorize({ subject, action, recording: null })
      return isRefused(decision) ? decision : storeRecording(attempt, place, subject, store, crossOrigin)
    }

    // One read of the store gives facts and bytes of one version, so what is checked is what is sent.
    const range = rangeToOpen(request)
    const opening = request.method === 'HEAD' ? store.find(place.key) : store.open(place.key, range)
    let part = await admit(attempt, subject, opening, waitUntil)
    if (isRefused(part)) return part

    const planned = plan(request, part, attempt.at)
    const bytes = request.method === 'GET' ? bytesOf(planned, part.size) : undefined
    if (bytes !== undefined && !holds(part, bytes)) {
      // Rare: If-Range failed, or several ranges came to one. Opened anew, so decided anew.
      discard(part, waitUntil)
      const { etag } = part
      part = await admit(attempt, subject, store.open(place.key, bytes), waitUntil)
      if (isRefused(part)) return part
      if (part.etag !== etag) {
        discard(part, waitUntil)
        throw new Fault('store_unavailable')
      }
    }
    const body = bytes !== undefined && holds(part, bytes) ? part.body : discard(part, waitUntil)
    return deliver(planned, part, body, crossOrigin, (stream, length) => send(stream, length, waitUntil))
  })

  /** Decides on an opened recording; what isn't permitted is closed unread. */
  async function admit(
    attempt: Attempt,
    subject: Subject,
    opening: Promise<OpenedPart | StoredPart | null>,
    waitUntil: WaitUntil,
  ): Promise<OpenedPart | StoredPart | Refused> {
    const part = await opening.catch(Fault.as('store_unavailable'))
    const issuer = part?.binding.issuer ?? soleIssuer
    const recording = part && { ...part.binding, ...(issuer !== undefined && { issuer }) }
    if (recording !== null) attempt.binding = recording
    const decision = authorize({ subject, action: 'play', recording })
    if (part !== null && !isRefused(decision)) return part
    if (part !== null) discard(part, waitUntil)
    return isRefused(decision) ? decision : refused('recording_unknown')
  }

  const denials = guarded(async (attempt, crossOrigin, waitUntil) => {
    if (attempt.request.method !== 'GET') return refused('method_not_allowed')
    const subject = await authenticate(attempt.request, attempt.at, waitUntil)
    if (isRefused(subject)) return withSubject(attempt, subject)
    attempt.subject = subject
    const decision = authorize({ subject, action: 'audit', recording: null })
    return isRefused(decision) ? decision : listDenials(attempt.request, ledger, crossOrigin)
  })

  return { recordings, denials }
}

/** A token that is refused may still have told, by a good signature, whose it is: the record says so. */
function withSubject(attempt: Attempt, refusal: Refused & { subject?: Subject }): Refused {
  if (refusal.subject !== undefined) attempt.subject = refusal.subject
  return { refused: refusal.refused }
}

/** Closes a body that nobody will read: left open it would hold one of the few connections of the request. */
function discard(part: OpenedPart | StoredPart, waitUntil: WaitUntil): null {
  if ('body' in part) waitUntil(part.body.cancel().catch(() => {}))
  return null
}
