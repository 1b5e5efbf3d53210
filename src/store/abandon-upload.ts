import { responseHeaders } from '../deliver/response-headers.ts'
import { Fault, type Refused, refused } from '../refusal.ts'
import { confirmFor } from './ownership.ts'
import { isName } from './pieces.ts'
import type { Deposit } from './storage.ts'

/** Gives up storing a part in pieces. Done also where there is nothing to give up any more. */
export async function abandonUpload(deposit: Deposit): Promise<Response | Refused> {
  const { attempt, place, storage, crossOrigin } = deposit
  const upload = attempt.request.headers.get('mediaward-upload')
  if (!isName(upload)) return refused('upload_invalid', 'Mediaward-Upload must name the upload to give up')
  const refusal = await confirmFor(deposit)
  // Nobody began an upload where nobody claimed: what was to be given up isn't there.
  if (refusal?.refused === 'binding_conflict') return refusal
  if (refusal === undefined) {
    await storage.store.abandon(place.key, upload).catch(Fault.as('store_unavailable'))
  }
  return new Response(null, { status: 204, headers: responseHeaders(crossOrigin) })
}
