import { authorize } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
import { contentCodings } from '../http/content-coding.ts'
import { releaseOf } from '../ledger/head.ts'
import type { StoreOperation } from '../locate/target.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { abandonUpload } from './abandon-upload.ts'
import { beginUpload } from './begin-upload.ts'
import { completeUpload } from './complete-upload.ts'
import type { Deposit, IngestServices } from './deposit.ts'
import { ownerFromHeaders } from './owner-headers.ts'
import { storePiece } from './store-piece.ts'
import { storeWhole } from './store-whole.ts'

/**
 * Stores a part for a recorder, stamped with its owner: whole, or in pieces by several requests, each of which is
 * decided again. A recording that is bound to one owner is never bound to another: neither this part nor any other of the
 * same recording.
 */
export async function storeRecording(
  context: RequestContext,
  { action, ref }: StoreOperation,
  recorder: Subject,
  services: IngestServices,
): Promise<Response | Refusal> {
  const decision = authorize({ subject: recorder, action: 'store' })
  if (decision instanceof Refusal) return decision
  const locked = await services.containment.refuseLocked(
    {
      ...{ subject: recorder, recording: ref.recording, tenant: recorder.tenant },
      release: releaseOf(context),
    },
    'store',
    context.waitUntil,
  )
  if (locked !== undefined) return locked
  const { method, headers } = context.request
  if (contentCodings(headers.get('content-encoding')).length > 0) {
    return new Refusal(
      'encoding_unsupported',
      'Content-Encoding must be left out: ranges are of the bytes as they are stored, so send them as they are played',
    )
  }
  const ownership = ownerFromHeaders(headers, recorder, services)
  if (ownership instanceof Refusal) return ownership
  const deposit: Deposit = { context, ref, ownership, services }
  if (action === 'store') {
    // If one of the two got lost on the way, a piece must not be taken for the whole.
    const isPiece = headers.has('mediaward-upload') || headers.has('content-range')
    return isPiece ? storePiece(deposit) : storeWhole(deposit)
  }
  if (method === 'DELETE') return abandonUpload(deposit)
  return headers.has('mediaward-upload') ? completeUpload(deposit) : beginUpload(deposit)
}
