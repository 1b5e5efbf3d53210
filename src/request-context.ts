import type { Subject } from './authorize/subject.ts'
import { type CallerNetwork, callerNetwork, type Network } from './base/network.ts'
import type { WaitUntil } from './base/timeout.ts'
import { untilTimingSlot } from './base/timing-slot.ts'
import type { ObjectRef, Ownership } from './recordings/recording.ts'
import type { Refusal } from './refusal.ts'

/** What a call asks about before an app shows a list. Bounded, and holds nothing but ids. */
export interface AskedAbout {
  /** How many questions the call holds. */
  readonly questions: number
  readonly subjects: readonly Pick<Subject, 'id' | 'issuer' | 'entry' | 'owns'>[]
  readonly recordings: readonly string[]
}

/** What the record of a refused token says of it, beside what it says of its subject. */
export interface TokenFacts {
  /** The entry of the configuration that has the token's `iss`. */
  readonly entry?: string
  /** Only of a token whose signature is good, as all that follows. */
  readonly issuer?: string
  readonly client?: string
  /** The name of the claim that is missing or has the wrong value: of the token, or of its DPoP proof. */
  readonly claim?: string
  readonly subject?: Subject
}

/**
 * What can say whose a recording is: the claim of its id, the stamp of the object in the place of an upload, or the owner
 * source of the configuration.
 */
export type BoundBy = 'claim' | 'object' | 'owner_source'

/** A recorder names another owner than one that is known. */
export interface OwnerConflict {
  readonly by: BoundBy
  /** As the recorder names it. */
  readonly named: Ownership
}

/** What the runtime hands over with a request. */
export interface IncomingRequest {
  readonly request: Request
  /** Keeps work alive past the response. */
  readonly waitUntil: WaitUntil
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Finds out where the request came from. */
  readonly network: () => Network
}

/**
 * One request on its way through the gate. The members that can be assigned are facts that the stages find out; the
 * record of the request says them.
 */
export class RequestContext {
  readonly request: Request
  readonly waitUntil: WaitUntil
  /** When the request came, in milliseconds since 1970. */
  readonly at: number
  /** The time now. A caller can hold its body back, and so choose how much later than `at` that is. */
  readonly now: () => number
  /** The object that is asked for. */
  ref?: ObjectRef
  /** The caller, once a credential proves who it is. */
  subject?: Subject
  /** What is known of a token that was refused. */
  token?: TokenFacts
  /** The token or ticket that came in a place that the configuration names. Never recorded. */
  presented?: string
  /** The release of the app that asked for the ticket. */
  ticketRelease?: string
  /** Id of the ticket that came with the request. */
  ticket?: string
  /** Whose the recording is that is asked for, if there is one. */
  ownership?: Ownership
  /** Of an upload: whom it named as the owner of a recording that is another's. */
  conflict?: OwnerConflict
  /** What a call of questions asks about. A call that is answered names each recording in records of its own. */
  asked?: AskedAbout
  readonly #network: () => Network
  #callerNetwork: CallerNetwork | undefined

  constructor({ request, waitUntil, now, network }: IncomingRequest) {
    this.request = request
    this.waitUntil = waitUntil
    this.now = now
    this.at = now()
    this.#network = network
  }

  /** Returns where the request came from. Finds it out at the first call only. */
  network(): CallerNetwork {
    this.#callerNetwork ??= callerNetwork(this.#network)
    return this.#callerNetwork
  }

  /**
   * Waits for the next timing slot, so that the time of an answer says nothing that its content doesn't.
   *
   * @param slots how many slots count as one
   */
  async nextTimingSlot(slots = 1): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, untilTimingSlot(this.now() - this.at, slots)))
  }
}

/** One of the things that the gate does, behind a guard that records what it refuses. */
export interface Endpoint {
  /** True if it is for those who watch over the gate: its answers are left out of the metrics. */
  readonly isProbe?: true
  /** Returns the methods that the path of a request has (RFC 9110 10.2.1), as far as the path alone says. */
  allow(request: Request): string
  /**
   * Answers a request, or refuses it.
   *
   * @throws Fault if a part of the gate fails
   */
  handle(context: RequestContext): Promise<Response | Refusal>
}
