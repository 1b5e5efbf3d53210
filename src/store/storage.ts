import type { RecordingStore } from '../deliver/recording-store.ts'
import type { Attempt } from '../ledger/observe.ts'
import type { CompiledLocation } from '../locate/location.ts'
import type { Binding, Place } from '../recording.ts'
import type { BodyTimeouts } from '../request-body.ts'

/** What storing takes beside the request. */
export interface Storage {
  readonly store: RecordingStore
  /** The issuers whose subjects can be owners. */
  readonly issuers: readonly string[]
  /** Where the objects of a recording can be, as `RecordingStore.claim` takes it. */
  readonly places: (recording: string) => readonly string[]
  readonly locations: readonly CompiledLocation[]
  /** The origin that absolute URLs in playlists may begin with; undefined if none may be there. */
  readonly publicUrl: string | undefined
  readonly bodyTimeouts: BodyTimeouts | undefined
}

/** A request of a recorder, and whose the recording is to be. */
export interface Deposit {
  readonly attempt: Attempt
  readonly place: Place
  /** As the recorder says. */
  readonly binding: Binding
  readonly storage: Storage
  readonly crossOrigin: Record<string, string>
}
