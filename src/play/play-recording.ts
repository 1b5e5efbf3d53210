import { authorize } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
import { StorageFault } from '../base/storage-fault.ts'
import type { WaitUntil } from '../base/wait-until.ts'
import { type ByteRange, parseRange, requestedRange } from '../http/byte-range.ts'
import type { Deliveries } from '../ledger/deliveries.ts'
import { observe } from '../ledger/head.ts'
import type { BeginView } from '../ledger/views.ts'
import type { CompiledLocation } from '../locate/location.ts'
import type { PlaylistKind } from '../playlist/kind.ts'
import { kindAt } from '../playlist/place.ts'
import { type ObjectRef, withDefaultIssuer } from '../recordings/recording.ts'
import {
  BytesUnavailable,
  type DamagedPart,
  type OpenedPart,
  type RecordingStore,
  type StoredPart,
} from '../recordings/recording-store.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { bytesOf, deliver, holds, type Plan, plan } from './deliver.ts'
import {
  isNamedPlaylist,
  kindByBytes,
  type ReadPlaylist,
  readPlaylist,
  type Verdicts,
} from './read-playlist.ts'

/** What playing takes beside the request. */
export interface Playing {
  readonly store: RecordingStore
  /** The only issuer, where there is but one. */
  readonly defaultIssuer: string | undefined
  readonly locations: readonly CompiledLocation[]
  /** The origin that absolute URLs in playlists may begin with; undefined if none may be there. */
  readonly publicUrl: string | undefined
  readonly verdicts: Verdicts
  readonly beginView: BeginView
  readonly deliveries: Deliveries
}

const unavailable = Fault.as('store_unavailable')
const CODED = new StorageFault(
  'a recording is stored in a content coding (Content-Encoding): store it again without',
)

/**
 * Opens a recording, decides, and delivers it. One read of the store gives facts and bytes of one version of one
 * object, so what is checked is what is sent.
 */
export async function playRecording(
  context: RequestContext,
  ref: ObjectRef,
  subject: Subject,
  { store, defaultIssuer, locations, publicUrl, verdicts, beginView, deliveries }: Playing,
  crossOrigin: Record<string, string>,
  waitUntil: WaitUntil,
): Promise<Response | Refusal> {
  const { request } = context
  const isGet = request.method === 'GET'
  const specs = isGet ? parseRange(request.headers.get('range')) : undefined
  // A playlist is read whole, whatever of it is asked for.
  const isPlaylist = isNamedPlaylist(ref)
  const range = isPlaylist ? undefined : requestedRange(specs)
  const isOpened = isGet || isPlaylist
  let withheld: unknown
  const answered = isOpened
    ? await store.open(ref.key, range).catch((error: unknown) => {
        withheld = error ?? new BytesUnavailable()
      })
    : undefined
  // Whatever is wrong with the bytes, whose they are decides first: the fault would tell that they are there.
  const part =
    answered === undefined
      ? await store.find(ref.key).catch((error: unknown) => unavailable(causeOf(withheld) ?? error))
      : answered
  const refusal = refusalOf(part)
  if (refusal !== undefined || part === null) {
    discard(part, waitUntil)
    // Withheld bytes take the store two reads. So every refusal takes two, or the time that it takes would tell that the
    // recording is there, and how long it is.
    if (part === answered) await store.find(ref.key).catch(unavailable)
    const { reason } = refusal ?? new Refusal('recording_unknown')
    // The operator gets to read the fault. The answer is the same with it and without.
    if (part !== null && 'fault' in part) throw new Fault(reason, part.fault)
    return new Refusal(reason)
  }
  // From here on there is a permit: only now may anything follow from the bytes.
  if ('fault' in part) throw new Fault('store_unavailable', part.fault)
  if (part.encoding !== undefined) throw new Fault('encoding_unsupported', CODED)

  const kind = part.size === 0 ? undefined : kindAt(ref, part.contentType)
  const playlist = kind && (await readThrough(kind, part))
  if (playlist !== undefined && playlist instanceof Refusal) return playlist
  const shown = playlist?.part ?? part
  const planned = plan(request, specs, shown, context.at)
  const bytes = isGet ? bytesOf(planned, shown.size) : undefined
  if (bytes === undefined) return deliver(planned, shown, ref, discard(part, waitUntil), crossOrigin)
  if (playlist !== undefined) return watch(planned, playlist.open(bytes))
  const opened = holds(part, bytes) ? part : await openAnew(bytes, part)
  return opened instanceof Refusal ? opened : watch(planned, opened)

  /** A playlist, so that it names nothing but its own recording; undefined where it turns out to be none. */
  async function readThrough(
    kind: PlaylistKind | 'untold',
    part: OpenedPart | StoredPart,
  ): Promise<ReadPlaylist | Refusal | undefined> {
    const found = kind === 'untold' ? await kindByBytes(part, ref, store).catch(letGo) : kind
    if (found === undefined) return undefined
    const whole = { offset: 0, length: part.size }
    const opened = holds(part, whole) ? part : await openAnew(whole, part)
    return opened instanceof Refusal
      ? opened
      : readPlaylist(opened, found, ref, locations, publicUrl, verdicts).catch(unavailable)

    function letGo(error: unknown): never {
      discard(part, waitUntil)
      return unavailable(error)
    }
  }

  /** Rarely other bytes were opened than are to be sent, or none, for a fault that may pass: opened again, so decided again. */
  async function openAnew(bytes: ByteRange, opened: OpenedPart | StoredPart): Promise<OpenedPart | Refusal> {
    discard(opened, waitUntil)
    const again = await store.open(ref.key, bytes).catch(unavailable)
    const secondThought = refusalOf(again)
    if (secondThought === undefined && again?.etag === opened.etag && holds(again, bytes)) return again
    discard(again, waitUntil)
    if (secondThought !== undefined) return secondThought
    throw new Fault('store_unavailable')
  }

  /** No view without a record: not a byte goes out before that one is watching is on record. */
  async function watch(planned: Plan, opened: OpenedPart): Promise<Response> {
    try {
      const observed = observe(context)
      const view = await beginView(observed, waitUntil)
      const { part } = observed
      deliveries.sending(observed, { view, part, ...opened.range, taken: opened.taken }, waitUntil)
    } catch (error) {
      discard(opened, waitUntil)
      throw error
    }
    return deliver(planned, opened, ref, opened.body, crossOrigin)
  }

  function refusalOf(opened: StoredPart | DamagedPart | null): Refusal | undefined {
    const recording = opened && withDefaultIssuer(opened.binding, defaultIssuer)
    if (recording !== null) context.binding = recording
    const decision = authorize({ subject, action: 'play', recording })
    return decision instanceof Refusal ? decision : undefined
  }
}

const causeOf = (error: unknown): unknown => (error instanceof BytesUnavailable ? error.cause : error)

/** Closes a body that nobody will read: left open it would hold one of the few connections of the request. */
function discard(part: OpenedPart | StoredPart | DamagedPart | null, waitUntil: WaitUntil): null {
  if (part !== null && 'body' in part) waitUntil(part.body.cancel().catch(() => {}))
  return null
}
