import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import { type Found, locate, rawPath } from './locate.ts'
import { type CompiledLocation, refAt, TICKET_PATH, TICKET_PREFIX } from './location.ts'
import { flawOfPart } from './names.ts'

/** What a request asks for, as far as its method and path say. */
export type Operation =
  | PlayRecording
  | { readonly action: undefined; readonly ref: ObjectRef }
  | StoreOperation
  | IssueTicket
  | PlayTicket

/** Stores a part, whole or one piece of it (`store`); or begins, completes or gives up its pieces (`upload`). */
export interface StoreOperation {
  readonly action: 'store' | 'upload'
  readonly ref: ObjectRef
}

/** A client asks for a ticket. `ref` is the object that the ticket's URL is to play. */
export interface IssueTicket extends Found {
  readonly action: 'ticket'
}

/** Plays a recording that the URL names. */
export interface PlayRecording {
  readonly action: 'play'
  readonly ref: ObjectRef
  readonly ticket?: undefined
}

/** Plays the recording that a ticket in the URL names. */
export interface PlayTicket {
  readonly action: 'play'
  readonly ref?: undefined
  readonly ticket: string
  readonly part?: string
}

const ACTIONS: ReadonlyMap<string, 'play' | 'store'> = new Map([
  ['GET', 'play'],
  ['HEAD', 'play'],
  ['PUT', 'store'],
])
const TICKET_SUFFIX = '/ticket'
const UPLOAD_SUFFIX = '/upload'

/** Determines what a request asks for. `action` is undefined if the path is a recording's and the method isn't known. */
export function operationOf(
  { method, url }: Request,
  locations: readonly CompiledLocation[],
): Operation | Refusal {
  const path = rawPath(url)
  const action = ACTIONS.get(method)
  if (path?.startsWith(TICKET_PREFIX)) {
    const [, ticket, part] = TICKET_PATH.exec(path) ?? []
    if (ticket === undefined) return new Refusal('path_invalid')
    const flaw = part === undefined ? undefined : flawOfPart(part)
    if (flaw !== undefined) return new Refusal('path_invalid', flaw)
    if (action !== 'play') return new Refusal('method_not_allowed')
    return { action, ticket, ...(part !== undefined && { part }) }
  }
  if (method === 'POST' && path?.endsWith(TICKET_SUFFIX)) {
    const found = locate(path.slice(0, -TICKET_SUFFIX.length), locations)
    return found instanceof Refusal ? found : { action: 'ticket', ...found }
  }
  if ((method === 'POST' || method === 'DELETE') && path?.endsWith(UPLOAD_SUFFIX)) {
    const found = locate(path.slice(0, -UPLOAD_SUFFIX.length), locations)
    return found instanceof Refusal ? found : { action: 'upload', ref: found.ref }
  }
  const found = locate(path, locations)
  if (found instanceof Refusal) return found
  const { ref } = found
  if (action === 'play') return { action, ref }
  return action === 'store' ? { action, ref } : { action: undefined, ref }
}

/** Returns the methods of a path (RFC 9110 10.2.1), by the path alone: nothing is looked up. */
export function methodsAt({ url }: Request, hasTickets: boolean): string {
  const path = rawPath(url)
  if (path?.startsWith(TICKET_PREFIX)) return 'GET, HEAD, OPTIONS'
  // A part can have either of these names too, so the methods of a part are included.
  if (hasTickets && path?.endsWith(TICKET_SUFFIX)) return 'GET, HEAD, POST, PUT, OPTIONS'
  if (path?.endsWith(UPLOAD_SUFFIX)) return 'DELETE, GET, HEAD, POST, PUT, OPTIONS'
  return 'GET, HEAD, PUT, OPTIONS'
}

/**
 * Returns the object that a request with a ticket asks for: at the location that the ticket was issued at if that one
 * fits, otherwise at the first one that does. A location fits if both it and the request have a part, or neither has.
 *
 * @returns undefined if no location fits
 */
export function refOfTicket(
  { recording, location }: { readonly recording: string; readonly location: number },
  part: string | undefined,
  locations: readonly CompiledLocation[],
): ObjectRef | undefined {
  const fits = (one: CompiledLocation | undefined) => one?.hasPart === (part !== undefined)
  const issuedAt = locations[location]
  const found = fits(issuedAt) ? issuedAt : locations.find(fits)
  return found && refAt(found, recording, part)
}
