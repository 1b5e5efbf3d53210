import type { Subject } from '../authenticate/subject.ts'
import { authorize } from '../authorize/authorize.ts'
import { type ByteRange, parseRange, requestedRange } from '../deliver/byte-range.ts'
import { bytesOf, deliver, holds, type Plan, plan } from '../deliver/deliver.ts'
import type { OpenedPart, RecordingStore, StoredPart } from '../deliver/recording-store.ts'
import type { Attempt } from '../ledger/observe.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { type Place, settled } from '../recording.ts'
import { Fault, isRefused, type Refused, refused } from '../refusal.ts'
import type { WaitUntil } from '../wait-until.ts'
import type { Deliveries } from './deliveries.ts'
import { isNamedPlaylist, kindByBytes, kindOf, readPlaylist } from './read-playlist.ts'
import type { BeginView } from './views.ts'

/** What playing takes beside the request. */
export interface Playing {
  readonly store: RecordingStore
  /** The only issuer, where there is but one. */
  readonly soleIssuer: string | undefined
  readonly locations: readonly CompiledLocation[]
  /** The origin that players reach the gate at: absolute URLs in playlists begin with it. */
  readonly originOf: (request: Request) => string
  readonly beginView: BeginView
  readonly deliveries: Deliveries
}

const unavailable = Fault.as('store_unavailable')

/**
 * Opens a recording, decides, and delivers it. One read of the store gives facts and bytes of one version of one
 * object, so what is checked is what is sent.
 */
export async function playRecording(
  attempt: Attempt,
  place: Place,
  subject: Subject,
  { store, soleIssuer, locations, originOf, beginView, deliveries }: Playing,
  crossOrigin: Record<string, string>,
  waitUntil: WaitUntil,
): Promise<Response | Refused> {
  const { request } = attempt
  const isGet = request.method === 'GET'
  const specs = isGet ? parseRange(request.headers.get('range')) : undefined
  // A playlist is read whole, whatever of it is asked for.
  const isPlaylist = isNamedPlaylist(place)
  const range = isPlaylist ? undefined : requestedRange(specs)
  const opening = isGet || isPlaylist ? store.open(place.key, range) : store.find(place.key)
  const part = await opening.catch(unavailable)
  const refusal = refusalOf(part)
  if (refusal !== undefined || part === null) {
    discard(part, waitUntil)
    // A range beyond the end takes the store two reads. Every refused range takes two, or the time that a refusal
    // takes would tell that the recording is there, and how long it is.
    if (range !== undefined && (part === null || 'body' in part))
      await store.find(place.key).catch(unavailable)
    return refusal ?? refused('recording_unknown')
  }

  let kind = kindOf(part, place)
  if (kind === 'untold') {
    kind = await kindByBytes(part, place, store).catch((error: unknown) => {
      discard(part, waitUntil)
      return unavailable(error)
    })
  }
  if (kind !== undefined) {
    const opened = await holding({ offset: 0, length: part.size }, part)
    if (isRefused(opened)) return opened
    const playlist = await readPlaylist(opened, kind, place, locations, originOf(request)).catch(unavailable)
    if (isRefused(playlist)) return playlist
    const planned = plan(request, specs, playlist.part, attempt.at)
    const bytes = isGet ? bytesOf(planned, playlist.part.size) : undefined
    if (bytes === undefined) return deliver(planned, playlist.part, null, crossOrigin)
    const { offset, length } = bytes
    const body = playlist.text.slice(offset, offset + length).stream()
    return watch(planned, { ...playlist.part, body, range: bytes })
  }

  const planned = plan(request, specs, part, attempt.at)
  const bytes = isGet ? bytesOf(planned, part.size) : undefined
  if (bytes === undefined) return deliver(planned, part, discard(part, waitUntil), crossOrigin)
  const opened = await holding(bytes, part)
  return isRefused(opened) ? opened : watch(planned, opened)

  /** The bytes to send. Rarely others were opened than are to be sent: opened anew, so decided anew. */
  async function holding(bytes: ByteRange, opened: OpenedPart | StoredPart): Promise<OpenedPart | Refused> {
    if (holds(opened, bytes)) return opened
    discard(opened, waitUntil)
    const again = await store.open(place.key, bytes).catch(unavailable)
    const secondThought = refusalOf(again)
    if (secondThought === undefined && again?.etag === opened.etag && holds(again, bytes)) return again
    discard(again, waitUntil)
    if (secondThought !== undefined) return secondThought
    throw new Fault('store_unavailable')
  }

  /** No view without a record: not a byte goes out before that one is watching is on record. */
  async function watch(planned: Plan, opened: OpenedPart): Promise<Response> {
    try {
      const view = await beginView(attempt, subject, place.recording, waitUntil)
      deliveries.sending(attempt, { view, part: place.part, ...opened.range, taken: opened.taken }, waitUntil)
    } catch (error) {
      discard(opened, waitUntil)
      throw error
    }
    return deliver(planned, opened, opened.body, crossOrigin)
  }

  function refusalOf(opened: StoredPart | null): Refused | undefined {
    const recording = opened && settled(opened.binding, soleIssuer)
    if (recording !== null) attempt.binding = recording
    const decision = authorize({ subject, action: 'play', recording })
    return isRefused(decision) ? decision : undefined
  }
}

/** Closes a body that nobody will read: left open it would hold one of the few connections of the request. */
function discard(part: OpenedPart | StoredPart | null, waitUntil: WaitUntil): null {
  if (part !== null && 'body' in part) waitUntil(part.body.cancel().catch(() => {}))
  return null
}
