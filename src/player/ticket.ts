/**
 * Keeps a ticket for one recording, for players that only take a URL. Runs in browsers and in React Native, and knows
 * nothing of the gate's own code: all that it needs is `fetch`.
 *
 * @module
 */

/**
 * Why there is no ticket. `expired`: the token is not accepted any more, so sign in again, then `renew()`. `refused`:
 * this recording is not for this person, or the gate has no tickets; asking again changes nothing. `unavailable`: a
 * fault of the gate or of the network; later it may be there.
 */
export type TicketProblem = 'expired' | 'refused' | 'unavailable'

/** The problem details of a refusal (RFC 9457 3.1). */
export interface ProblemDetails {
  readonly title?: string
  readonly status?: number
  readonly detail?: string
  /** Names the gate's record of the refusal. A viewer can quote it to support. */
  readonly instance?: string
}

/** What the gate answered instead of a ticket. */
interface TicketAnswer {
  readonly status?: number
  readonly retryAfter?: number
  readonly details?: ProblemDetails | undefined
}

/** Thrown, and passed to `onError`, if there is no ticket. It holds no token and no ticket. */
export class TicketError extends Error {
  override readonly name = 'TicketError'
  readonly problem: TicketProblem
  /** The status that the gate answered; undefined if it did not answer. */
  readonly status: number | undefined
  /** In how many seconds to ask again, at the earliest (RFC 9110 10.2.3). Only if the problem is `unavailable`. */
  readonly retryAfter: number | undefined
  /** What the gate says of its refusal; undefined if it did not answer. */
  readonly details: ProblemDetails | undefined

  constructor(problem: TicketProblem, message: string, answer: TicketAnswer = {}) {
    super(message)
    this.problem = problem
    this.status = answer.status
    this.retryAfter = answer.retryAfter
    this.details = answer.details
  }
}

/** How a ticket is kept. */
export interface TicketSettings {
  /** The access token of the viewer, or a function that returns it. It is called for each request, so it may be a new one. */
  readonly token: string | (() => string | Promise<string>)
  /**
   * Makes a DPoP proof (RFC 9449 4.2) for a `POST` to a URL with a token, for a token that is bound to a key. It is called
   * for each request, as each needs a proof of its own. By default the token is a bearer token.
   */
  readonly proof?: (url: string, token: string) => string | Promise<string>
  /**
   * Whether the browser is to take the cookie too, with which the recording's own URL plays (`crossorigin` is then
   * `use-credentials`). Default false.
   */
  readonly cookie?: boolean
  /**
   * The app's release, such as `4.12.0`: up to 32 letters, digits and `._+-`. The gate's log names it, and a release that does
   * harm can be frozen. By default none is sent.
   */
  readonly release?: string
  /** Called each time that the ticket could not be renewed by itself. By default nothing is called: the player meets a 401. */
  readonly onError?: (error: TicketError) => void
}

/** A ticket that is renewed while it is open. */
export interface OpenTicket {
  /** The URL that plays, with the newest ticket in it. */
  readonly url: string
  /**
   * Whether the recording has many parts, and the ticket was asked for at its own URL: then `url` plays once `/` and the
   * name of a part are appended, as in `${ticket.url}/master.m3u8`. Default false.
   */
  readonly append: boolean
  /** Rewrites a URL that holds an older ticket of this recording to the newest; any other comes back as it was. */
  fresh(url: string): string
  /**
   * Renews now: after a 401, as when a phone wakes up. However many ask at once, the gate is asked once. Rejects with
   * a TicketError; after `refused`, and until `retryAfter` is over, without asking.
   */
  renew(): Promise<string>
  /** Renews no more. The last ticket ends by itself. */
  close(): void
}

/** Of a ticket's life; the rest is for an answer that is slow, or a fault that passes. */
const RENEW_AT = 0.8
/** Milliseconds for an answer. */
const PATIENCE = 15_000
/** Seconds to wait if an `unavailable` names none. */
const RETRY_AFTER = 5
/** Seconds: no ticket is good for longer, and a timer that is set for too long goes off at once. */
const DAY = 86_400

/**
 * Asks for a ticket, and renews it at 80 % of its life until it is closed.
 *
 * @param url the recording's own URL, without query: `https://media.clinic.example/recordings/rec-001`, or that of
 *   the part which plays, such as `…/rec-002/master.m3u8`
 * @throws TicketError if there is no ticket
 */
export async function openTicket(
  url: string,
  { token, proof, cookie = false, release, onError }: TicketSettings,
): Promise<OpenTicket> {
  if (/[?#]/.test(url)) throw new TypeError("a recording's URL has no query and no fragment: give it without")
  let newest: Pick<Issued, 'url' | 'prefix' | 'append'> = { url: '', prefix: '', append: false }
  /** Every prefix that was ever given out: a player may still hold the first. */
  const prefixes = new Set<string>()
  let closed = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking: Promise<string> | undefined
  let last: { readonly error: TicketError; readonly until: number } | undefined

  async function ask(): Promise<string> {
    try {
      const ticketUrl = `${url}/ticket`
      const newToken = typeof token === 'string' ? token : await token()
      const headers = {
        ...(proof === undefined
          ? { Authorization: `Bearer ${newToken}` }
          : { Authorization: `DPoP ${newToken}`, DPoP: await proof(ticketUrl, newToken) }),
        ...(release !== undefined && { 'Mediaward-App-Release': release }),
      }
      const issued = await request(ticketUrl, headers, cookie ? 'include' : 'omit')
      newest = issued
      prefixes.add(issued.prefix)
      last = undefined
      schedule(issued.life * RENEW_AT)
      return issued.url
    } catch (cause) {
      const error =
        cause instanceof TicketError ? cause : new TicketError('expired', 'no token was given, or no proof')
      const wait = (error.retryAfter ?? 0) * 1000
      last = { error, until: error.problem === 'refused' ? Number.POSITIVE_INFINITY : Date.now() + wait }
      if (error.problem === 'unavailable') schedule(wait)
      throw error
    }
  }

  function once(): Promise<string> {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }

  function renew(): Promise<string> {
    if (closed) return Promise.reject(new TicketError('refused', 'the ticket is closed: open another'))
    if (asking === undefined && last !== undefined && Date.now() < last.until)
      return Promise.reject(last.error)
    return once()
  }

  function schedule(milliseconds: number): void {
    clearTimeout(timer)
    // Before the first ticket there is nothing to renew.
    if (closed || prefixes.size === 0) return
    // Not by way of renew: a timer may be a moment early, and would then wait with nothing to wake it.
    timer = setTimeout(() => once().catch(report), milliseconds)
  }

  function report(error: TicketError): void {
    if (!closed) onError?.(error)
  }

  await once()
  return {
    get url() {
      return newest.url
    },
    get append() {
      return newest.append
    },
    fresh(old) {
      for (const prefix of prefixes) {
        // Only what holds a ticket of this recording: another's keeps its own.
        if (!old.startsWith(prefix) || !/^([/?#]|$)/.test(old.slice(prefix.length))) continue
        return newest.prefix + old.slice(prefix.length)
      }
      return old
    },
    renew,
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

interface Issued {
  readonly url: string
  /** The URL as far as the ticket. */
  readonly prefix: string
  readonly append: boolean
  /** Milliseconds. */
  readonly life: number
}

async function request(url: string, headers: HeadersInit, credentials: RequestCredentials): Promise<Issued> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), PATIENCE)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      credentials,
      // A token is for the gate, and for no host that an answer points to.
      redirect: 'error',
      signal: patience.signal,
    })
    if (response.status !== 201) throw await problemOf(response)
    return issuedBy(await response.json())
  } catch (error) {
    if (error instanceof TicketError) throw error
    throw new TicketError('unavailable', 'the gate could not be reached', { retryAfter: RETRY_AFTER })
  } finally {
    clearTimeout(timer)
  }
}

async function problemOf(response: Response): Promise<TicketError> {
  const { status, headers } = response
  const answer = { status, details: await detailsOf(response) }
  if (status === 401) return new TicketError('expired', 'the token is not accepted: sign in again', answer)
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    return new TicketError('refused', 'no ticket for this recording', answer)
  const after = retryAfter(headers.get('retry-after'))
  return new TicketError('unavailable', `the gate answered ${status}: later it may be there`, {
    ...answer,
    retryAfter: after,
  })
}

async function detailsOf(response: Response): Promise<ProblemDetails | undefined> {
  // What answers in the gate's place, such as a proxy, has a body of its own.
  if (response.headers.get('content-type') !== 'application/problem+json') return undefined
  return response.json().catch(() => undefined)
}

/** Seconds, from either form of the field (RFC 9110 10.2.3). */
function retryAfter(value: string | null): number {
  const seconds = /^\d+$/.test(value ?? '')
    ? Number(value)
    : Math.ceil((Date.parse(value ?? '') - Date.now()) / 1000)
  // Never at once: an app that asks in a loop doesn't help a gate that can't answer.
  return Number.isNaN(seconds) ? RETRY_AFTER : Math.min(Math.max(seconds, 1), DAY)
}

function issuedBy(body: unknown): Issued {
  // Its life, not when it ends: the clock of a device may be off by hours.
  const { url, expires_in, append } = (body ?? {}) as Readonly<Record<string, unknown>>
  const prefix = typeof url === 'string' ? /^https?:\/\/[^/]+\/play\/[^/?#]+/.exec(url)?.[0] : undefined
  if (
    typeof url !== 'string' ||
    prefix === undefined ||
    typeof expires_in !== 'number' ||
    !(expires_in > 0)
  ) {
    throw new TicketError('unavailable', 'what answered is not the gate', {
      status: 201,
      retryAfter: RETRY_AFTER,
    })
  }
  return { url, prefix, append: append === true, life: Math.min(expires_in, DAY) * 1000 }
}
