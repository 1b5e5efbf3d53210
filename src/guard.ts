import { logFault, NOT_SHOWN } from './base/storage-fault.ts'
import type { WaitUntil } from './base/timeout.ts'
import { COALESCED_SLOTS } from './base/timing-slot.ts'
import { usesDpop } from './http/credential.ts'
import { problemResponse } from './http/problem.ts'
import { denialOf } from './ledger/denial.ts'
import { eventId } from './ledger/event-id.ts'
import { hasPlainHost } from './locate/locate.ts'
import { stageOf } from './reason.ts'
import { answerTo, Fault, Refusal } from './refusal.ts'
import { type Endpoint, RequestContext } from './request-context.ts'
import type { Services } from './services.ts'

/**
 * Answers a request. Never rejects: whatever goes wrong is a refusal, and recorded as one. `platform` is what the
 * runtime's server hands over beside the request (Hono's `env`): only `network` looks at it.
 */
export type Handler = (request: Request, waitUntil: WaitUntil, platform?: unknown) => Promise<Response>

type GuardServices = Pick<
  Services,
  | 'cors'
  | 'concealedStatus'
  | 'proofAlgorithms'
  | 'network'
  | 'now'
  | 'refusals'
  | 'heartbeats'
  | 'metrics'
  | 'operatorAdvice'
>

const PLAIN_HOST = 'The Host header must name a host, and a port if need be, and nothing else'

/**
 * Guards the gate's endpoints. What an endpoint refuses, or fails at, is recorded durably before its answer leaves. Sets
 * the CORS headers that `CorsPolicy` decides. No other code sets them.
 */
export class Guard {
  readonly #services: GuardServices

  constructor(services: GuardServices) {
    this.#services = services
  }

  /** Answers a request by an endpoint. */
  async answer(
    endpoint: Endpoint,
    request: Request,
    waitUntil: WaitUntil,
    platform?: unknown,
  ): Promise<Response> {
    const { cors, network, now, heartbeats, metrics } = this.#services
    const context = new RequestContext({ request, waitUntil, now, network: () => network(request, platform) })
    let cause: unknown
    const outcome = await this.#handle(endpoint, context).catch((error: unknown) => {
      cause = error
      return new Refusal(error instanceof Fault ? error.reason : 'gate_fault')
    })
    const response =
      outcome instanceof Refusal
        ? await this.#refuse(context, outcome, endpoint.allow(request), cause)
        : outcome
    heartbeats.beat(context)
    if (!endpoint.isProbe) metrics?.answered(request.method, outcome, now() - context.at)
    return cors.apply(request, response)
  }

  async #handle(endpoint: Endpoint, context: RequestContext): Promise<Response | Refusal> {
    const { request } = context
    if (!hasPlainHost(request)) return new Refusal('path_invalid', PLAIN_HOST)
    // A preflight carries no credential: it is answered before an endpoint could look for one.
    if (request.method === 'OPTIONS') return this.#services.cors.preflight(request, endpoint.allow(request))
    return endpoint.handle(context)
  }

  /** Records a refusal, then answers it. */
  async #refuse(
    context: RequestContext,
    { reason, detail, position }: Refusal,
    allow: string,
    cause: unknown,
  ): Promise<Response> {
    const { concealedStatus, proofAlgorithms, refusals, operatorAdvice } = this.#services
    const { request } = context
    const { method } = request
    const answer = answerTo(reason, {
      concealedStatus,
      allow,
      hasDetail: detail !== undefined,
      proofAlgorithms,
      // Without proofs the gate knows no such scheme, and the challenge says nothing of it.
      usesDpop: proofAlgorithms !== undefined && usesDpop(request),
    })
    const id = eventId(context.now())
    const denial = denialOf(request, reason, answer.status, position)
    const recorded = await refusals
      .record(context, denial, id)
      .catch((error: unknown) => logFault(`ledger_unavailable, event ${id}`, error))
    // Of a fault that no stage foresaw there is no other line.
    const otherwise = reason === 'gate_fault' ? NOT_SHOWN : undefined
    logFault(`${reason}, event ${recorded?.id ?? id}`, cause, otherwise)
    // What could not be asked about a token wrote why itself.
    if (cause === undefined) operatorAdvice.advise(context, reason)
    const stage = stageOf(reason)
    // A fault, too, may come after a read of the store, whose time depends on what is there.
    if (!recorded || recorded.isPaced || stage === 'policy' || stage === 'fault') {
      const isCoalesced = recorded?.isPaced || recorded?.retryAfter !== undefined
      await context.nextTimingSlot(isCoalesced ? COALESCED_SLOTS : 1)
    }
    // A refusal that cannot be looked up later must not leave: it is a fault of the gate until it can be recorded.
    return recorded
      ? problemResponse({ ...answer, ...recorded, detail, method })
      : problemResponse({ ...answerTo('ledger_unavailable', { concealedStatus }), id, method })
  }
}
