import { agentOf, TICKET_COOKIE } from '../authenticate/admission.ts'
import type { Subject } from '../authenticate/subject.ts'
import type { Ticket, Tickets } from '../authenticate/ticket.ts'
import {
  type CookiePolicy,
  TICKET_LIFETIME,
  type TicketBinding,
  type TicketOptions,
} from '../authenticate/ticket-options.ts'
import { authorizeWhole } from '../authorize/authorize-whole.ts'
import type { RecordingStore } from '../deliver/recording-store.ts'
import { responseHeaders } from '../deliver/response-headers.ts'
import type { TicketFacts } from '../ledger/event.ts'
import { eventId } from '../ledger/event-id.ts'
import { type Attempt, observe } from '../ledger/observe.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { type CompiledLocation, TICKETED } from '../locate/location.ts'
import type { TicketWanted } from '../locate/target.ts'
import { Fault, isRefused, type Refused, refused } from '../refusal.ts'

const SAME_SITE: Readonly<Record<CookiePolicy, string>> = {
  strict: 'SameSite=Strict',
  lax: 'SameSite=Lax',
  none: 'SameSite=None',
  // Kept apart for each site that embeds us: cookies of third parties that browsers still take (CHIPS).
  partitioned: 'SameSite=None; Partitioned',
}

/** What issuing takes beside the request. */
export interface TicketOffice {
  readonly tickets: Tickets
  readonly store: RecordingStore
  readonly soleIssuer: string | undefined
  /** Where the objects of a recording can be. */
  readonly places: (recording: string) => readonly string[]
  readonly locations: readonly CompiledLocation[]
  readonly record: Recorder
  readonly options: TicketOptions
  /** The origin that players reach the gate at. */
  readonly publicUrl: string | undefined
}

const unavailable = Fault.as('store_unavailable')

/**
 * Issues a ticket to who may watch the recording now. It is on record before it leaves, and says no more than who
 * asked: what it opens is decided anew for every request that shows it.
 *
 * The URL plays what it was asked for at. For a recording of many parts, asked for at its own URL, that is nothing yet:
 * the answer says `append`, and the caller appends `/` and the name of a part.
 */
export async function issueTicket(
  attempt: Attempt,
  { place, location, root }: TicketWanted,
  subject: Subject,
  office: TicketOffice | undefined,
  crossOrigin: Record<string, string>,
): Promise<Response | Refused> {
  const { publicUrl } = office ?? {}
  // This gate has no tickets.
  if (office === undefined || publicUrl === undefined) return refused('method_not_allowed')
  const { at } = attempt
  const { recording, part } = place
  const { store } = office
  // Both, whatever is there, so that "not yours" and "not there" take the same reads.
  const [stamped, found] = await Promise.all([
    store.stamped(office.places(recording)),
    store.find(place.key),
  ]).catch(unavailable)
  const own = found === null ? [] : [found.binding]
  const whole = authorizeWhole(subject, [...stamped, ...own], office.soleIssuer)
  if (whole.binding !== null) attempt.binding = whole.binding
  if (isRefused(whole.decision)) return whole.decision
  const append = found === null && part === undefined && (await hasParts(recording, office))
  if (found === null && !append) return refused('recording_unknown')

  const { lifetime = TICKET_LIFETIME, cookie = 'strict', binding = [] } = office.options
  const expires = Math.floor(at / 1000) + lifetime
  const id = eventId(attempt.now())
  const bound = boundTo(attempt, binding)
  const holder = { ...subject, roles: [] }
  const ticket = await office.tickets.issue({ id, recording, location, subject: holder, expires, ...bound })
  const ends = new Date(expires * 1000).toISOString()
  const facts: TicketFacts = {
    kind: 'ticket',
    decision: 'permit',
    expires: ends,
    ...(binding.length > 0 && { binding }),
  }
  await office.record(observe(attempt), facts, id).catch(Fault.as('ledger_unavailable'))

  const url = `${publicUrl}${TICKETED}${ticket}${part === undefined ? '' : `/${part}`}`
  const attributes = `Path=${root}; Max-Age=${lifetime}; Secure; HttpOnly; ${SAME_SITE[cookie]}`
  const headers = responseHeaders(crossOrigin, { 'Set-Cookie': `${TICKET_COOKIE}=${ticket}; ${attributes}` })
  const issued = { url, expires_at: ends, expires_in: lifetime, ...(append && { append }) }
  return Response.json(issued, { status: 201, headers })
}

/** Whether a recording has parts where a ticket for it looks for them. Asked only after a permit. */
async function hasParts(recording: string, { store, locations }: TicketOffice): Promise<boolean> {
  const parts = locations.find(({ hasPart }) => hasPart)?.keyPrefix(recording)
  return parts !== undefined && (await store.stamped([parts]).catch(unavailable)).length > 0
}

/** What cannot be told can't be bound to: it would bind to nothing, and look as if it did. */
function boundTo(
  { request, network }: Attempt,
  bindings: readonly TicketBinding[],
): Pick<Ticket, 'network' | 'agent'> {
  const bound: { network?: string; agent?: string } = {}
  if (bindings.includes('network')) {
    const { prefix } = network()
    if (prefix === undefined) throw new Error('no address to bind a ticket to')
    bound.network = prefix
  }
  if (bindings.includes('user-agent')) {
    const agent = agentOf(request.headers.get('user-agent'))
    if (agent === undefined) throw new Error('no User-Agent to bind a ticket to')
    bound.agent = agent
  }
  return bound
}
