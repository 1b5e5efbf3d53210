import type { AuthenticatedPlayback } from '../authenticate/playback.ts'
import { authorize } from '../authorize/authorize.ts'
import { StorageFault } from '../base/storage-fault.ts'
import type { Attempt, Containment } from '../control/containment.ts'
import { type ByteRange, parseRange, type RangeSpec, requestedRange } from '../http/byte-range.ts'
import type { Deliveries } from '../ledger/deliveries.ts'
import { observe, releaseOf } from '../ledger/head.ts'
import type { Views } from '../ledger/views.ts'
import { kindAt } from '../playlist/kind.ts'
import type { Owners } from '../recordings/owner-source.ts'
import type { Ownership } from '../recordings/recording.ts'
import {
  BytesUnavailable,
  DamagedPart,
  type OpenedPart,
  type RecordingStore,
  type StoredPart,
} from '../recordings/recording-store.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { bytesOf, deliver, holds, plan } from './deliver.ts'
import {
  isNamedPlaylist,
  kindByBytes,
  type PlaylistServices,
  type ReadPlaylist,
  readPlaylist,
} from './read-playlist.ts'

/** What playing takes beside the request. */
export interface PlayServices extends PlaylistServices {
  readonly store: RecordingStore
  readonly owners: Owners
  readonly containment: Containment
  readonly views: Views
  readonly deliveries: Deliveries
}

/** What was permitted is checked once more if the first byte leaves later than so long after the request came, in milliseconds. */
const LATE = 100
const unavailable = Fault.as('store_unavailable')
const CODED = new StorageFault(
  'a recording is stored in a content coding (Content-Encoding): store it again without',
)

/** Plays a recording: opens it, decides, and delivers it. */
export function playRecording(
  context: RequestContext,
  playback: AuthenticatedPlayback,
  services: PlayServices,
): Promise<Response | Refusal> {
  return new Playback(context, playback, services).respond()
}

/** What the store has of the object. */
interface ReadPart {
  readonly part: OpenedPart | StoredPart | DamagedPart | null
  /**
   * Reads once more, if it may take the store two reads to find out that bytes are withheld. So every refusal takes two, or
   * its time would reveal that the recording is there, and how long it is.
   */
  readonly readAgain: () => Promise<unknown>
}

/** Playing one object for one request. The private methods are the steps, in their order. */
class Playback {
  readonly #context: RequestContext
  readonly #playback: AuthenticatedPlayback
  readonly #services: PlayServices
  readonly #began = performance.now()

  constructor(context: RequestContext, playback: AuthenticatedPlayback, services: PlayServices) {
    this.#context = context
    this.#playback = playback
    this.#services = services
  }

  async respond(): Promise<Response | Refusal> {
    const { request, at } = this.#context
    const isGet = request.method === 'GET'
    const ranges = isGet ? parseRange(request.headers.get('range')) : undefined

    const part = await this.#open(ranges)
    if (part instanceof Refusal) return part
    const playlist = await this.#readPlaylist(part)
    if (playlist instanceof Refusal) return playlist
    const shown = playlist?.part ?? part
    const answer = plan(request, ranges, shown, at)
    const bytes = isGet ? bytesOf(answer, shown.size) : undefined
    if (bytes === undefined) return deliver(answer, shown, this.#playback.ref, this.#discard(part))
    const source = playlist?.open(bytes) ?? (await this.#hold(part, bytes))
    if (source instanceof Refusal) return source
    const refusal = await this.#recordView(source)
    if (refusal !== undefined) return refusal
    return deliver(answer, shown, this.#playback.ref, source.body)
  }

  /**
   * Opens the object and decides. One read of the store gives facts and bytes of one version of one object, so what is
   * checked is what is sent.
   */
  async #open(ranges: readonly RangeSpec[] | undefined): Promise<OpenedPart | StoredPart | Refusal> {
    const { part, readAgain } = await this.#read(ranges)
    const refusal = await this.#authorize(part).catch(async (error: unknown) => {
      await readAgain().catch(() => {})
      throw error
    })
    if (refusal !== undefined) {
      this.#discard(part)
      await readAgain().catch(unavailable)
      // The operator gets to read the fault. The answer is the same with it and without.
      if (part instanceof DamagedPart) throw new Fault(refusal.reason, part.fault)
      return refusal
    }
    if (part === null) return new Refusal('recording_unknown')
    // From here on there is a permit: only now may anything follow from the bytes.
    if (part instanceof DamagedPart) throw new Fault('store_unavailable', part.fault)
    if (part.encoding !== undefined) throw new Fault('encoding_unsupported', CODED)
    return part
  }

  /**
   * Reads the object. Whatever is wrong with its bytes, their owner decides first: the fault would reveal that they are
   * there.
   */
  async #read(ranges: readonly RangeSpec[] | undefined): Promise<ReadPart> {
    const { ref } = this.#playback
    const { store } = this.#services
    let isFound = false
    const find = () => {
      isFound = true
      return store.find(ref.key)
    }
    // A playlist is read whole, whatever of it is asked for.
    const isPlaylist = isNamedPlaylist(ref)
    const range = isPlaylist ? undefined : requestedRange(ranges)
    const factsOf = async (error: unknown) => {
      const { facts, cause } = error instanceof BytesUnavailable ? error : { facts: undefined, cause: error }
      return facts ?? find().catch((fault: unknown) => unavailable(cause ?? fault))
    }
    const isOpened = this.#context.request.method === 'GET' || isPlaylist
    const part = await (isOpened ? store.open(ref.key, range).catch(factsOf) : find().catch(unavailable))
    const isOneRead = store.givesFacts === 'always' || (store.givesFacts === 'whole' && range === undefined)
    return { part, readAgain: async () => !isOneRead && !isFound && find() }
  }

  /** Returns a refusal unless the subject may play what was found. */
  async #authorize(part: StoredPart | DamagedPart | null): Promise<Refusal | undefined> {
    const { subject, ref } = this.#playback
    // Also if nothing is there, so that both take the same.
    const owners = this.#services.owners.of(ref, part === null ? [] : [part.ownership])
    const [owner] = await owners.catch((error: unknown) => {
      this.#discard(part)
      throw error
    })
    if (owner !== undefined) this.#context.ownership = owner
    const decision = authorize({ subject, action: 'play', recording: owner ?? null })
    if (decision instanceof Refusal) return decision
    return this.#services.containment.refuseLocked(this.#attempt(owner), 'play', this.#context.waitUntil)
  }

  /** What a lockdown may stop of this request. */
  #attempt(ownership: Ownership | undefined): Attempt {
    const { subject, ref } = this.#playback
    const release = releaseOf(this.#context)
    return { subject, recording: ref.recording, tenant: ownership?.tenant, release }
  }

  /** Reads a playlist, so that it names nothing but its own recording. Undefined if the object is not a playlist. */
  async #readPlaylist(part: OpenedPart | StoredPart): Promise<ReadPlaylist | Refusal | undefined> {
    const { ref } = this.#playback
    const { store } = this.#services
    const byName = part.size === 0 ? undefined : kindAt(ref, part.contentType)
    const kind =
      byName === 'undeclared'
        ? await kindByBytes(part, ref, store).catch((error: unknown) => {
            this.#discard(part)
            return unavailable(error)
          })
        : byName
    if (kind === undefined) return undefined
    const whole = await this.#hold(part, { offset: 0, length: part.size })
    if (whole instanceof Refusal) return whole
    return readPlaylist(whole, kind, ref, this.#services).catch(unavailable)
  }

  /**
   * Returns the object opened at these bytes. Rarely other bytes were opened, or none, for a fault that may pass: then it
   * is opened again, and so decided again.
   */
  async #hold(part: OpenedPart | StoredPart, bytes: ByteRange): Promise<OpenedPart | Refusal> {
    if (holds(part, bytes)) return part
    this.#discard(part)
    const again = await this.#services.store.open(this.#playback.ref.key, bytes).catch(unavailable)
    const refusal = await this.#authorize(again)
    if (refusal === undefined && again?.etag === part.etag && holds(again, bytes)) return again
    this.#discard(again)
    if (refusal !== undefined) return refusal
    throw new Fault('store_unavailable')
  }

  /** Records the view before its first byte leaves, and follows which bytes do. Returns a refusal if none may leave any more. */
  async #recordView(source: OpenedPart): Promise<Refusal | undefined> {
    const { views, deliveries, containment } = this.#services
    const { waitUntil } = this.#context
    try {
      const observed = observe(this.#context)
      const view = await views.begin(observed, waitUntil)
      const refusal = await this.#refuseLate(observed.ownership)
      if (refusal !== undefined) {
        this.#discard(source)
        return refusal
      }
      const { part } = observed
      const { range, taken, cut } = source
      deliveries.sending(observed, { view, part, ...range, taken }, waitUntil)
      if (cut !== undefined && taken !== undefined) {
        containment.watch(this.#attempt(observed.ownership), { cut, ended: taken })
      }
      return undefined
    } catch (error) {
      this.#discard(source)
      throw error
    }
  }

  /** Refuses what was locked down, and whose login was ended, while store and log took their time: a short answer is not cut any more. */
  async #refuseLate(ownership: Ownership | undefined): Promise<Refusal | undefined> {
    if (performance.now() - this.#began < LATE) return undefined
    const { containment } = this.#services
    const { waitUntil } = this.#context
    const revoked = await containment.refuseRevoked(this.#playback.subject, waitUntil)
    return revoked ?? containment.refuseLocked(this.#attempt(ownership), 'play', waitUntil)
  }

  /** Closes a body that will not be read: left open, it would hold one of the few connections of the request. */
  #discard(part: OpenedPart | StoredPart | DamagedPart | null): null {
    if (part !== null && 'body' in part) this.#context.waitUntil(part.body.cancel().catch(() => {}))
    return null
  }
}
