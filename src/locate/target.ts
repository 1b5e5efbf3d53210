import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import { type Found, locate, rawPath } from './locate.ts'
import { type CompiledLocation, TICKET_PATH, TICKET_PREFIX } from './location.ts'
import { flawOfPart } from './names.ts'

/** What a request is about, as its method and its path alone tell. */
export type Operation =
  | { readonly action: 'play'; readonly ref: ObjectRef }
  | { readonly action: undefined; readonly ref: ObjectRef }
  | StoreOperation
  | IssueTicket
  | PlayTicket

/** Stores a part, whole or one piece of it (`store`); or begins, completes or gives up its pieces (`upload`). */
export interface StoreOperation {
  readonly action: 'store' | 'upload'
  readonly ref: ObjectRef
}

/** Somebody wants a ticket for a recording; `place` is what it is to open first. */
export interface IssueTicket extends Found {
  readonly action: 'ticket'
}

/** Somebody shows a ticket, which says what it opens. */
export interface PlayTicket {
  readonly action: 'play'
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

/** Finds out what a request is about. `action` is undefined where it is about a recording, by no method of ours. */
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

/** The methods that a path has (RFC 9110 10.2.1), as far as its text alone tells: nothing is looked up. */
export function methodsAt({ url }: Request): string {
  const path = rawPath(url)
  if (path?.startsWith(TICKET_PREFIX)) return 'GET, HEAD, OPTIONS'
  // Each of these can be the name of a part, too.
  if (path?.endsWith(TICKET_SUFFIX)) return 'GET, HEAD, POST, PUT, OPTIONS'
  if (path?.endsWith(UPLOAD_SUFFIX)) return 'DELETE, GET, HEAD, POST, PUT, OPTIONS'
  return 'GET, HEAD, PUT, OPTIONS'
}

/**
 * What a ticket opens: at the location that it was issued at, or, for a part of another kind, at the first that has
 * such.
 *
 * @returns undefined where no location has such a part
 */
export function refOfTicket(
  { recording, location }: { readonly recording: string; readonly location: number },
  part: string | undefined,
  locations: readonly CompiledLocation[],
): ObjectRef | undefined {
  const fits = (one: CompiledLocation | undefined) => one?.hasPart === (part !== undefined)
  const issuedAt = locations[location]
  const found = fits(issuedAt) ? issuedAt : locations.find(fits)
  if (found === undefined) return undefined
  const ref = { recording, key: found.key(recording, part) }
  return part === undefined ? ref : { ...ref, part }
}
