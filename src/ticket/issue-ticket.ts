import { authorizeWhole } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import type { Containment } from '../control/containment.ts'
import { TICKET_COOKIE } from '../http/credential.ts'
import { jsonResponse } from '../http/response-headers.ts'
import type { TicketFacts } from '../ledger/event.ts'
import { eventId } from '../ledger/event-id.ts'
import { observe, releaseOf } from '../ledger/head.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { type CompiledLocation, TICKET_PREFIX } from '../locate/location.ts'
import type { IssueTicket } from '../locate/target.ts'
import { stampsAt } from '../recordings/claims.ts'
import type { Owners } from '../recordings/owner-source.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { Ticket, Tickets } from './ticket.ts'
import type { CookiePolicy, TicketBinding, TicketOptions } from './ticket-options.ts'
import { agentOf } from './verify-ticket.ts'

const SAME_SITE: Readonly<Record<CookiePolicy, string>> = {
  strict: 'SameSite=Strict',
  lax: 'SameSite=Lax',
  none: 'SameSite=None',
  // Kept apart for each site that embeds us: cookies of third parties that browsers still take (CHIPS).
  partitioned: 'SameSite=None; Partitioned',
}

/** What issuing takes beside the request. */
export interface TicketServices {
  /** Undefined if this gate has no tickets. */
  readonly tickets: Tickets | undefined
  readonly ticketOptions: Required<TicketOptions> | undefined
  readonly store: RecordingStore
  readonly owners: Owners
  readonly containment: Containment
  /** Where the objects of a recording can be. */
  readonly keyPrefixes: (recording: string) => readonly string[]
  readonly locations: readonly CompiledLocation[]
  readonly record: Recorder
  /** The origin that players reach the gate at. */
  readonly publicUrl: string | undefined
}

const unavailable = Fault.as('store_unavailable')

/**
 * Issues a ticket to a subject who may watch the recording now. The ticket is on record before it leaves, and says no
 * more than who asked: what it opens is decided again for every request that shows it.
 *
 * The URL plays what it was asked for at. For a recording of many parts, asked for at its own URL, that is nothing yet:
 * the answer says `append`, and the caller appends `/` and the name of a part.
 */
export async function issueTicket(
  context: RequestContext,
  { ref, location, root }: IssueTicket,
  subject: Subject,
  services: TicketServices,
): Promise<Response | Refusal> {
  const { tickets, ticketOptions, store, publicUrl } = services
  if (tickets === undefined || ticketOptions === undefined || publicUrl === undefined)
    return new Refusal('method_not_allowed')
  const { recording, part } = ref
  // Both, whatever is there, so that "not yours" and "not there" take the same reads.
  const [stamped, found] = await Promise.all([
    stampsAt(store, services.keyPrefixes(recording)),
    store.find(ref.key),
  ]).catch(unavailable)
  const own = found === null ? [] : [found.ownership]
  const whole = authorizeWhole(subject, await services.owners.of(ref, [...stamped, ...own]))
  if (whole.ownership !== null) context.ownership = whole.ownership
  if (whole.decision instanceof Refusal) return whole.decision
  const append = found === null && part === undefined && (await hasParts(recording, services))
  if (found === null && !append) return new Refusal('recording_unknown')
  const attempt = {
    ...{ subject, recording, tenant: whole.ownership?.tenant },
    release: releaseOf(context),
  }
  const locked = await services.containment.refuseLocked(attempt, 'play', context.waitUntil)
  if (locked !== undefined) return locked

  const { lifetime, cookie, binding } = ticketOptions
  const expires = Math.floor(context.at / 1000) + lifetime
  const id = eventId(context.now())
  const holder = { ...subject, roles: [] }
  const bound = boundTo(context, binding)
  const { release } = attempt
  const content = { id, recording, location, subject: holder, expires, ...bound, ...present({ release }) }
  const ticket = await tickets.issue(content)
  const ends = new Date(expires * 1000).toISOString()
  const facts: TicketFacts = {
    kind: 'ticket',
    decision: 'permit',
    expires: ends,
    ...(binding.length > 0 && { binding }),
  }
  await services.record(observe(context), facts, id).catch(Fault.as('ledger_unavailable'))

  const url = `${publicUrl}${TICKET_PREFIX}${ticket}${part === undefined ? '' : `/${part}`}`
  const attributes = `Path=${root}; Max-Age=${lifetime}; Secure; HttpOnly; ${SAME_SITE[cookie]}`
  const issued = { url, expires_at: ends, expires_in: lifetime, ...(append && { append }) }
  return jsonResponse(issued, 201, { 'Set-Cookie': `${TICKET_COOKIE}=${ticket}; ${attributes}` })
}

/** Returns whether a recording has parts at the location that a ticket for it looks at. Asked only after a permit. */
async function hasParts(recording: string, { store, locations }: TicketServices): Promise<boolean> {
  const parts = locations.find(({ hasPart }) => hasPart)?.keyPrefix(recording)
  return parts !== undefined && (await store.stampBelow(parts).catch(unavailable)) !== null
}

/**
 * Binds a ticket to facts of the request.
 *
 * @throws Error if a fact is not known: the ticket would be bound to nothing, and look as if it were bound
 */
function boundTo(
  context: RequestContext,
  bindings: readonly TicketBinding[],
): Pick<Ticket, 'network' | 'agent'> {
  const bound: { network?: string; agent?: string } = {}
  if (bindings.includes('network')) {
    const { prefix } = context.network()
    if (prefix === undefined) throw new Error('no address to bind a ticket to')
    bound.network = prefix
  }
  if (bindings.includes('user-agent')) {
    const agent = agentOf(context.request.headers.get('user-agent'))
    if (agent === undefined) throw new Error('no User-Agent to bind a ticket to')
    bound.agent = agent
  }
  return bound
}
