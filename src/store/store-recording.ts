import type { Subject } from '../authenticate/subject.ts'
import { authorize } from '../authorize/authorize.ts'
import { contentCodings } from '../deliver/content-coding.ts'
import type { Attempt } from '../ledger/observe.ts'
import type { Storing } from '../locate/target.ts'
import type { Place } from '../recording.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'
import { abandonUpload } from './abandon-upload.ts'
import { beginUpload } from './begin-upload.ts'
import { completeUpload } from './complete-upload.ts'
import { statedOwner } from './stated-owner.ts'
import type { Deposit, Storage } from './storage.ts'
import { storePiece } from './store-piece.ts'
import { storeWhole } from './store-whole.ts'

/**
 * Stores a part for a recorder, stamped with its owner: whole, or in pieces by several requests, each of which is
 * decided anew. A recording that is bound to one owner is never bound to another: neither this part nor any other of the
 * same recording.
 */
export async function storeRecording(
  attempt: Attempt,
  action: Storing,
  place: Place,
  recorder: Subject,
  storage: Storage,
  crossOrigin: Record<string, string>,
): Promise<Response | Refused> {
  const decision = authorize({ subject: recorder, action: 'store', recording: null })
  if (isRefused(decision)) return decision
  const { method, headers } = attempt.request
  if (contentCodings(headers.get('content-encoding')).length > 0) {
    return refused(
      'encoding_unsupported',
      'Content-Encoding must be left out: ranges are of the bytes as they are stored, so send them as they are played',
    )
  }
  const binding = statedOwner(headers, recorder, storage.issuers)
  if (isRefused(binding)) return binding
  const deposit: Deposit = { attempt, place, binding, storage, crossOrigin }
  if (action === 'store') {
    // Where one of the two got lost on the way, a piece must not be taken for the whole.
    const isPiece = headers.has('mediaward-upload') || headers.has('content-range')
    return isPiece ? storePiece(deposit) : storeWhole(deposit)
  }
  if (method === 'DELETE') return abandonUpload(deposit)
  return headers.has('mediaward-upload') ? completeUpload(deposit) : beginUpload(deposit)
}
