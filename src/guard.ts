import { type CallerNetwork, callerNetwork } from './base/network.ts'
import { logFault } from './base/storage-fault.ts'
import { COUNTED_BEATS, untilBeat } from './base/timing-slot.ts'
import type { WaitUntil } from './base/wait-until.ts'
import { clockOf, type MediawardOptions } from './config/options.ts'
import { createCors } from './http/cors.ts'
import { problemResponse } from './http/problem.ts'
import type { RecordedRefusal, Refusals } from './ledger/coalesce.ts'
import { denialOf } from './ledger/denial.ts'
import { eventId } from './ledger/event-id.ts'
import { hasPlainHost } from './locate/locate.ts'
import { stageOf } from './reason.ts'
import { answerTo, Fault, Refusal } from './refusal.ts'
import type { RequestContext } from './request-context.ts'

/**
 * Answers a request. Never rejects: whatever goes wrong is a refusal, and recorded as one. `platform` is what the
 * runtime's server hands over beside the request (Hono's `env`): only `network` looks at it.
 */
export type Handler = (request: Request, waitUntil: WaitUntil, platform?: unknown) => Promise<Response>

/** What a guarded route does: answers, or refuses, or throws where a part of ours fails. */
export type Route = (
  context: RequestContext,
  crossOrigin: Readonly<Record<string, string>>,
  waitUntil: WaitUntil,
  beat: Beat,
) => Promise<Response | Refusal>

/** Waits until an answer may leave, whose time would tell what its text doesn't. `beats` of them are one then. */
export type Beat = (beats: number) => Promise<void>

const PLAIN_HOST = 'The Host header must name a host, and a port if need be, and nothing else'

/**
 * Makes the guard of an app's routes: what a route refuses, or fails at, is recorded durably before its answer
 * leaves. `allow` names the methods of what a request is for. The guard answers every preflight itself, so no route
 * takes one for a request that it has to refuse.
 */
export function guard(
  options: MediawardOptions,
  refusals: Refusals,
): (route: Route, allow: (request: Request) => string) => Handler {
  const { concealedStatus = 404, network = () => ({}) } = options
  const now = clockOf(options)
  const { headersFor, preflight } = createCors(options.allowedOrigins, options.allowedHeaders)

  return (route, allow) => async (request, waitUntil, platform) => {
    const at = now()
    let caller: CallerNetwork | undefined
    const context: RequestContext = {
      at,
      now,
      request,
      network: () => {
        caller ??= callerNetwork(() => network(request, platform))
        return caller
      },
    }
    const crossOrigin = headersFor(request)
    let outcome: Response | Refusal
    let cause: unknown
    try {
      if (!hasPlainHost(request)) outcome = new Refusal('path_invalid', PLAIN_HOST)
      else if (request.method === 'OPTIONS') outcome = preflight(request, allow(request))
      else outcome = await route(context, crossOrigin, waitUntil, beats => nextBeat(now() - at, beats))
    } catch (error) {
      cause = error
      outcome = new Refusal(error instanceof Fault ? error.reason : 'gate_fault')
    }
    if (!(outcome instanceof Refusal)) return outcome
    // From here on a refusal: what only its record needs is made only now.
    const { reason, detail, spot } = outcome
    // Of those who are refused a playlist, only a recorder is sent a detail.
    const answer = answerTo(reason, concealedStatus, allow(request), detail !== undefined)
    const id = eventId(now())
    logFault(`${reason}, event ${id}`, cause)
    let recorded: RecordedRefusal
    try {
      recorded = await refusals.record(context, denialOf(request, reason, answer.status, spot), id, waitUntil)
    } catch (error) {
      logFault(`ledger_unavailable, event ${id}`, error)
      // A refusal that nobody can look up later must not leave; it is a fault of ours until it can be recorded.
      const fault = answerTo('ledger_unavailable', concealedStatus)
      return problemResponse(fault, id, request.method, crossOrigin)
    }
    const { retryAfter } = recorded
    if (stageOf(reason) === 'policy') await nextBeat(now() - at, retryAfter === undefined ? 1 : COUNTED_BEATS)
    const retry = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }
    return problemResponse(answer, recorded.id, request.method, { ...crossOrigin, ...retry }, detail)
  }
}

async function nextBeat(elapsed: number, beats = 1): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, untilBeat(elapsed, beats)))
}
