import { authenticateLogin } from '../authenticate/bearer.ts'
import { authenticatePlayback, type PlaybackServices } from '../authenticate/playback.ts'
import { authorize } from '../authorize/authorize.ts'
import { actionOf, ROLES, type Role } from '../authorize/rules/role.ts'
import { type Place, TICKET_COOKIE } from '../http/credential.ts'
import { TICKET_PREFIX } from '../locate/location.ts'
import { operationOf } from '../locate/target.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { TICKET } from '../ticket/ticket.ts'

// RFC 9110 5.5: what a header can hold of a token, alone, after a scheme that apps send, or as the whole line is copied.
const PASTED = /^(authorization: *)?(?:(bearer|dpop|basic|jwt|token) +)?([!-~]{1,32000})$/i
// RFC 9110 5.6.2.
const PLACE_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
const PATH = /^\/[!-~]{0,2047}$/

/** The origin of a gate that no request leaves for. */
export const GATE = 'https://gate.invalid'

/** A question that is to be explained: what would become of a request with this token? */
export interface Question {
  readonly token: string
  /** What comes before the token in `Authorization`. Empty if nothing does. */
  readonly scheme: string
  /** The header or cookie that the token would come in. Undefined for `Authorization`. */
  readonly place?: Place
  /** The path of the recording that would be played. Undefined if only the token is asked about. */
  readonly path?: string
  /** The role that the request would need, in place of playing. */
  readonly role?: Role
}

/** Tries a request as the gate does. Resolves to a refusal, or to whatever else the gate would answer. */
export type Attempt = (context: RequestContext) => Promise<unknown>

/** An object that no request is for, so that a token can be tried without one. */
const NOTHING = { recording: '', key: '' }

/** Returns how a question is tried: by the very functions that decide about a request. */
export function attemptOf({ role, path }: Question, services: PlaybackServices, play: Attempt): Attempt {
  if (role !== undefined) {
    return async context => {
      const subject = await authenticateLogin(context, services)
      return subject instanceof Refusal ? subject : authorize({ subject, action: actionOf(role) })
    }
  }
  if (path !== undefined) return play
  return context => authenticatePlayback(context, { action: 'play', ref: NOTHING }, services)
}

/** Creates the attempt to play that looks at no recording: for a configuration without its store. */
export function createOfflinePlay(services: PlaybackServices): Attempt {
  return async context => {
    const operation = operationOf(context.request, services.locations)
    if (operation instanceof Refusal) return operation
    if (operation.action !== 'play') return new Refusal('method_not_allowed')
    if (operation.ref !== undefined) context.ref = operation.ref
    return authenticatePlayback(context, operation, services)
  }
}

/** Reads a question, whose types are not known. A refusal says what is wrong with it, and doesn't repeat it. */
export function readQuestion(json: unknown): Question | Refusal {
  const invalid = (detail: string) => new Refusal('query_invalid', detail)
  const { token, url, role, header, cookie } = Object(json) as Record<string, unknown>
  const [, name, scheme = name === undefined ? 'Bearer' : '', bare] =
    PASTED.exec(typeof token === 'string' ? token : '') ?? []
  if (bare === undefined) {
    return invalid('the token must be one token, without white space in it, or the value of Authorization')
  }
  const known = ROLES.find(one => one === role)
  if (role !== undefined && known === undefined) return invalid(`the role must be one of ${ROLES.join(', ')}`)
  const path = typeof url === 'string' ? url.replace(/^https?:\/\/[^/?#]*/, '') : undefined
  if (role !== undefined && url !== undefined)
    return invalid('ask about a recording or about a role, not both')
  if (url !== undefined && (!isPlainPath(path ?? '') || path?.startsWith(TICKET_PREFIX))) {
    return invalid(
      'the recording must be its URL, or its path such as "/recordings/rec-007", and not a ticket',
    )
  }
  const named = header ?? cookie
  if ((header !== undefined && cookie !== undefined) || (named !== undefined && !isPlaceName(named))) {
    return invalid('name one header, or one cookie, in which the token would come')
  }
  if (named !== undefined && bare !== token) {
    return invalid('in a header or cookie the token is alone: leave out what is before it')
  }
  if (path !== undefined && /\/ticket(?:[?#]|$)/.test(path)) {
    return invalid('name the recording itself: who may play it gets a ticket for it')
  }
  // A token can hold ";" and more cookies, and the header can be `Cookie` itself.
  if (TICKET.test(bare) || `${named} ${token}`.includes(TICKET_COOKIE)) {
    return invalid('tickets are not explained, only tokens')
  }
  return {
    token: bare,
    scheme,
    ...(known !== undefined && { role: known }),
    ...(path !== undefined && { path }),
    ...(isPlaceName(header) && { place: { in: 'header', name: header.toLowerCase() } }),
    ...(isPlaceName(cookie) && { place: { in: 'cookie', name: cookie } }),
  }
}

/** Whether a path means the same to `URL` as to the gate, which resolves no dot segments and no other host. */
function isPlainPath(path: string): boolean {
  if (!PATH.test(path) || !URL.canParse(path, GATE)) return false
  const { origin, pathname } = new URL(path, GATE)
  return origin === GATE && pathname === path.replace(/[?#].*/, '')
}

const isPlaceName = (name: unknown): name is string => typeof name === 'string' && PLACE_NAME.test(name)
