import type { Subject } from '../authorize/subject.ts'
import type { WaitUntil } from '../base/timeout.ts'
import { Refusal } from '../refusal.ts'
import type { Control } from './control.ts'
import { ControlView, LOOK_EVERY } from './control-view.ts'
import { type Identified, type Identities, NO_IDENTITY } from './identities.ts'
import type { Concerned, Restrictions, Use } from './restrictions.ts'

/** A request, or a line of a list, that restrictions may stop. */
export interface Attempt {
  readonly subject: Identified & Partial<Pick<Subject, 'tenant' | 'issued'>>
  readonly recording: string | undefined
  /** The recording's tenant. */
  readonly tenant: string | undefined
  readonly release: string | undefined
}

/** A body on its way to a client. */
export interface Stream {
  /** Ends it at once, so that the client sees that it is broken off. */
  readonly cut: () => void
  /** Settles when it has ended. */
  readonly ended: Promise<unknown>
}

/** Keeps restrictions: refuses what they stop, and ends streams in flight. */
export class Containment {
  readonly #view: ControlView
  readonly #identities: Identities
  readonly #now: () => number

  constructor(control: Control, identities: Identities, now: () => number) {
    this.#view = new ControlView(control, now)
    this.#identities = identities
    this.#now = now
  }

  /**
   * Refuses a caller whose login has ended.
   *
   * @throws Fault `control_unavailable` if what is in force can't be known
   */
  async refuseRevoked(subject: Attempt['subject'], waitUntil: WaitUntil): Promise<Refusal | undefined> {
    return this.#refuseRevoked(subject, await this.#view.current(waitUntil))
  }

  async #refuseRevoked(
    subject: Attempt['subject'],
    restrictions: Restrictions,
  ): Promise<Refusal | undefined> {
    if (!restrictions.concernsPeople) return undefined
    const nothing = { recording: undefined, tenant: undefined, release: undefined }
    const concerned = await this.#concerned({ subject, ...nothing }, restrictions)
    return restrictions.isRevoked(concerned, this.#now()) ? new Refusal('token_revoked') : undefined
  }

  /**
   * Refuses an analyst whose login has ended, as far as that is known. An analyst must be able to work while the control of
   * lockdowns is away: nothing that plays depends on it.
   */
  async refuseKnownRevoked(subject: Attempt['subject'], waitUntil: WaitUntil): Promise<Refusal | undefined> {
    try {
      return await this.refuseRevoked(subject, waitUntil)
    } catch {
      return this.#refuseRevoked(subject, this.#view.known)
    }
  }

  /**
   * Refuses what is locked down. To be called only for what would be permitted: no other caller learns that there is a lockdown.
   *
   * @throws Fault `control_unavailable` if what is in force can't be known
   */
  async refuseLocked(attempt: Attempt, use: Use, waitUntil: WaitUntil): Promise<Refusal | undefined> {
    const restrictions = await this.#view.current(waitUntil)
    const concerned = await this.#concerned(attempt, restrictions)
    const reason = restrictions.lockdownOf(concerned, use, this.#now())
    return reason && new Refusal(reason)
  }

  /** Ends a stream as soon as a new request for the same would be refused. */
  watch(attempt: Attempt, stream: Stream): void {
    const key = {}
    const look = async () => {
      try {
        const restrictions = await this.#view.forStream(key)
        const concerned = await this.#concerned(attempt, restrictions)
        const now = this.#now()
        if (restrictions.lockdownOf(concerned, 'play', now) || restrictions.isRevoked(concerned, now))
          stream.cut()
      } catch {
        // It is not known what is in force.
        stream.cut()
      }
    }
    // Each stream has a timer of its own: a worker may not wait for what another request does.
    const timer = setInterval(() => void look(), LOOK_EVERY)
    const end = () => {
      clearInterval(timer)
      this.#view.left(key)
    }
    stream.ended.then(end, end)
  }

  async #concerned(
    { subject, recording, tenant, release }: Attempt,
    restrictions: Restrictions,
  ): Promise<Concerned> {
    const identity = restrictions.concernsPeople ? await this.#identities.of(subject) : NO_IDENTITY
    const tenants = [subject.tenant, tenant].filter(name => name !== undefined)
    return { ...identity, recording, release, tenants, issued: subject.issued }
  }
}
