import { nameSpaceOf, type Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'
import { logFault } from '../base/storage-fault.ts'
import type { WaitUntil } from '../base/timeout.ts'
import { withTimeout } from '../base/timeout.ts'
import { Fault } from '../refusal.ts'
import type { ViewFacts } from './event.ts'
import { eventId } from './event-id.ts'
import type { Observed } from './head.ts'
import type { Recorder } from './recorder.ts'

/**
 * Whether the first byte of a view waits until the view is on record. `async` lets it go first: a ledger that is down
 * then stops no video, and a crash at that moment loses the record of it.
 */
export type ViewPolicy = 'sync' | 'async'

interface View {
  /** Of its record. */
  readonly id: string
  /** When something of it was last asked for. */
  last: number
  /** Whether its record is durable. */
  onRecord: boolean
  readonly recording: Promise<string>
}

/** A view ends when nothing was asked for so long, in milliseconds. */
const IDLE = 30 * 60_000
/** Most views that one isolate knows of; of one that it forgets it says once more that it began. */
const MAX_VIEWS = 10_000
/** How long to wait for a record that another request has begun: if that one was cut off, it may never end. */
const PATIENCE = 5_000

/** The views of one isolate: records that a recording is watched, before bytes are sent. */
export class Views {
  readonly #record: Recorder
  readonly #now: () => number
  readonly #policy: ViewPolicy
  readonly #views = new LruCache<View>(MAX_VIEWS)

  constructor(record: Recorder, now: () => number, policy: ViewPolicy) {
    this.#record = record
    this.#now = now
    this.#policy = policy
  }

  /**
   * Records a view, or goes on with one. Returns the id of the view's record: at once if that is durable already, so that a
   * warm request waits for nothing; else when it is.
   *
   * @throws Fault `ledger_unavailable` if it can't be recorded
   */
  begin(observed: Observed, waitUntil: WaitUntil): Promise<string> | string {
    const key = keyOf(observed)
    const known = this.#views.get(key)
    const goesOn = known !== undefined && observed.at - known.last < IDLE
    if (goesOn) known.last = Math.max(known.last, observed.at)
    if (goesOn && known.onRecord) return known.id
    const view = goesOn ? known : this.#open(observed, key)
    const lost = (error: unknown) => logFault('a view is not on record', error)
    // Also if the viewer leaves at once: that the view began is known.
    if (!goesOn) waitUntil(view.recording.catch(lost))
    if (this.#policy === 'async') return view.id
    return withTimeout(PATIENCE, view.recording).catch((error: unknown) => {
      forget(view)
      throw new Fault('ledger_unavailable', error)
    })
  }

  #open(observed: Observed, key: string): View {
    const facts: ViewFacts =
      this.#policy === 'async'
        ? { kind: 'view', decision: 'permit', async: true }
        : { kind: 'view', decision: 'permit' }
    const id = eventId(this.#now())
    const view: View = {
      last: observed.at,
      id,
      onRecord: false,
      recording: this.#record(observed, facts, id).then(
        () => {
          view.onRecord = true
          return id
        },
        (error: unknown) => {
          forget(view)
          throw error
        },
      ),
    }
    this.#views.set(key, view)
    return view
  }
}

/** Makes the next request begin a view again. */
function forget(view: View): void {
  view.last = Number.NEGATIVE_INFINITY
}

/**
 * What the requests of one view have in common. A stolen session watches from another network, or with a token or ticket
 * that the patient doesn't use: that is a view of its own, and what left in it is counted apart. A token that replaces
 * another one of its session, as some providers do every minute, doesn't begin another.
 */
function keyOf({ subject, ticket, recording, network: { prefix, asn, country } }: Observed): string {
  // None of these but the last can hold a line break, so no two lists of them make one key.
  return [recording, ticket, prefix, asn, loginOf(subject), country].join('\n')
}

/** The subject of a token or a ticket is one object for as long as that is remembered. */
const logins = new WeakMap<Subject, string>()

function loginOf(subject: Subject | undefined): string {
  if (subject === undefined) return ''
  const known = logins.get(subject)
  if (known !== undefined) return known
  const { id, actor, session, token } = subject
  const login = JSON.stringify([
    nameSpaceOf(subject),
    id,
    actor,
    session === undefined ? { token } : { session },
  ])
  logins.set(subject, login)
  return login
}
