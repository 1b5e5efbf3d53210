import { emptyResponse } from '../http/response-headers.ts'
import { Fault, type Refusal } from '../refusal.ts'
import { type Deposit, invalidUpload } from './deposit.ts'
import { requireClaim } from './ownership.ts'
import { isName } from './pieces.ts'

/** Gives up an upload in pieces. Succeeds also if there is nothing left to give up. */
export async function abandonUpload(deposit: Deposit): Promise<Response | Refusal> {
  const { context, ref, services } = deposit
  const upload = context.request.headers.get('mediaward-upload')
  if (!isName(upload)) return invalidUpload('Mediaward-Upload must name the upload to give up')
  const refusal = await requireClaim(deposit)
  // Without a claim no upload was begun, so there is nothing to give up.
  if (refusal?.reason === 'binding_conflict') return refusal
  if (refusal === undefined) {
    await services.store.uploads.abandon(ref.key, upload).catch(Fault.as('store_unavailable'))
  }
  return emptyResponse(204)
}
