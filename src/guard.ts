import type { WaitUntil } from './authenticate/key-source.ts'
import { crossOriginHeaders } from './deliver/cross-origin.ts'
import { refuse } from './deliver/refuse.ts'
import { eventId } from './ledger/event-id.ts'
import type { Attempt } from './ledger/observe.ts'
import { pseudonymizer } from './ledger/pseudonym.ts'
import { type Recorder, recorder } from './ledger/recorder.ts'
import type { MediawardOptions } from './options.ts'
import { answerTo, Fault, isRefused, type Refused, refused } from './refusal.ts'

/** Answers a request. Never rejects: whatever goes wrong is a refusal, and recorded as one. */
export type Handler = (request: Request, waitUntil: WaitUntil) => Promise<Response>

/** What a guarded route does: answers, or refuses, or throws where a part of ours fails. */
export type Route = (
  attempt: Attempt,
  crossOrigin: Record<string, string>,
  waitUntil: WaitUntil,
) => Promise<Response | Refused>

/**
 * Makes the guard of an app's routes: what a route refuses, or fails at, is recorded durably before its answer
 * leaves.
 */
export function guard(options: MediawardOptions): (route: Route) => Handler {
  const { concealedStatus = 404, now = Date.now, network = () => ({}) } = options
  const allowedOrigins = new Set(options.allowedOrigins)
  const record: Recorder = recorder(
    options.ledger,
    pseudonymizer(options.pseudonymKey),
    options.lastResort ?? logRecord,
  )

  return route => async (request, waitUntil) => {
    const at = now()
    const attempt: Attempt = { id: eventId(at), at, request, network: network(request) }
    const crossOrigin = crossOriginHeaders(request, allowedOrigins)
    let outcome: Response | Refused
    try {
      outcome = await route(attempt, crossOrigin, waitUntil)
    } catch (error) {
      outcome = refused(error instanceof Fault ? error.reason : 'gate_fault')
    }
    if (!isRefused(outcome)) return outcome
    let { refused: reason, detail } = outcome
    try {
      await record(attempt, reason, answerTo(reason, concealedStatus).status)
    } catch {
      // A refusal that nobody can look up later must not leave; it is a fault of ours until it can be recorded.
      reason = 'ledger_unavailable'
      detail = undefined
    }
    return refuse(reason, attempt.id, request.method, concealedStatus, crossOrigin, detail)
  }
}

function logRecord(json: string): void {
  // biome-ignore lint/suspicious/noConsole: no store took the record; it holds pseudonyms only
  console.error(`mediaward: no store takes records: ${json}`)
}
