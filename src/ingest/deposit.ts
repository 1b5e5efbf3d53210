import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import type { Containment } from '../control/containment.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import type { CompiledLocation } from '../locate/location.ts'
import type { Claims } from '../recordings/claims.ts'
import type { Owners } from '../recordings/owner-source.ts'
import type { ObjectRef, Ownership } from '../recordings/recording.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { Bindings } from './bindings.ts'

/** What storing takes beside the request. */
export interface IngestServices {
  readonly store: RecordingStore
  readonly issuers: Pick<TrustedIssuers, 'owning' | 'ownerId'>
  /** The only issuer whose subjects can be owners, if there is but one. */
  readonly defaultIssuer: string | undefined
  readonly owners: Owners
  readonly containment: Containment
  readonly claims: Claims
  readonly bindings: Bindings
  /** Where the objects of a recording can be, as `Claims.claim` takes it. */
  readonly keyPrefixes: (recording: string) => readonly string[]
  readonly locations: readonly CompiledLocation[]
  /** The origin that absolute URLs in playlists may begin with; undefined if none may be there. */
  readonly publicUrl: string | undefined
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/** A request of a recorder, and whose the recording is to be. */
export interface Deposit {
  readonly context: RequestContext
  readonly ref: ObjectRef
  /** As the recorder says. */
  readonly ownership: Ownership
  readonly services: IngestServices
}

/** Refuses an upload. `detail` says what is wrong and how to fix it. */
export const invalidUpload = (detail: string): Refusal => new Refusal('upload_invalid', detail)
