import type { Place } from '../recording.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'
import { type Found, locate, rawPath } from './locate.ts'
import { type CompiledLocation, TICKETED, TICKETED_PATH } from './location.ts'
import { flawOfPart } from './names.ts'

/** What a request is about, as its method and its path alone tell. */
export type Target =
  | { readonly action: 'play' | Storing | undefined; readonly place: Place }
  | TicketWanted
  | TicketShown

/** A part is stored, whole or one piece of it (`store`); or its pieces are begun, completed or given up (`upload`). */
export type Storing = 'store' | 'upload'

/** Somebody wants a ticket for a recording; `place` is what it is to open first. */
export interface TicketWanted extends Found {
  readonly action: 'ticket'
}

/** Somebody shows a ticket, which says what it opens. */
export interface TicketShown {
  readonly action: 'play'
  readonly ticket: string
  readonly part?: string
}

const ACTIONS: ReadonlyMap<string, 'play' | 'store'> = new Map([
  ['GET', 'play'],
  ['HEAD', 'play'],
  ['PUT', 'store'],
])
const WANTED = '/ticket'
const IN_PIECES = '/upload'

/** Finds out what a request is about. `action` is undefined where it is about a recording, by no method of ours. */
export function targetOf({ method, url }: Request, locations: readonly CompiledLocation[]): Target | Refused {
  const path = rawPath(url)
  const action = ACTIONS.get(method)
  if (path?.startsWith(TICKETED)) {
    const [, ticket, part] = TICKETED_PATH.exec(path) ?? []
    if (ticket === undefined) return refused('path_invalid')
    const flaw = part === undefined ? undefined : flawOfPart(part)
    if (flaw !== undefined) return refused('path_invalid', flaw)
    if (action !== 'play') return refused('method_not_allowed')
    return { action, ticket, ...(part !== undefined && { part }) }
  }
  if (method === 'POST' && path?.endsWith(WANTED)) {
    const found = locate(path.slice(0, -WANTED.length), locations)
    return isRefused(found) ? found : { action: 'ticket', ...found }
  }
  if ((method === 'POST' || method === 'DELETE') && path?.endsWith(IN_PIECES)) {
    const found = locate(path.slice(0, -IN_PIECES.length), locations)
    return isRefused(found) ? found : { action: 'upload', place: found.place }
  }
  const found = locate(path, locations)
  return isRefused(found) ? found : { action, place: found.place }
}

/** The methods that a path has (RFC 9110 10.2.1), as far as its text alone tells: nothing is looked up. */
export function methodsAt({ url }: Request): string {
  const path = rawPath(url)
  if (path?.startsWith(TICKETED)) return 'GET, HEAD, OPTIONS'
  // Each of these can be the name of a part, too.
  if (path?.endsWith(WANTED)) return 'GET, HEAD, POST, PUT, OPTIONS'
  if (path?.endsWith(IN_PIECES)) return 'DELETE, GET, HEAD, POST, PUT, OPTIONS'
  return 'GET, HEAD, PUT, OPTIONS'
}

/**
 * What a ticket opens: at the location that it was issued at, or, for a part of another kind, at the first that has
 * such.
 *
 * @returns undefined where no location has such a part
 */
export function placeOfTicket(
  { recording, location }: { readonly recording: string; readonly location: number },
  part: string | undefined,
  locations: readonly CompiledLocation[],
): Place | undefined {
  const fits = (one: CompiledLocation | undefined) => one?.hasPart === (part !== undefined)
  const issuedAt = locations[location]
  const found = fits(issuedAt) ? issuedAt : locations.find(fits)
  if (found === undefined) return undefined
  const place = { recording, key: found.key(recording, part) }
  return part === undefined ? place : { ...place, part }
}
