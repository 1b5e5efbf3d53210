import { digestFields } from '../http/digest-fields.ts'
import { Refusal } from '../refusal.ts'
import { checkPlaylist } from './check-playlist.ts'
import type { Deposit } from './deposit.ts'
import {
  contentLengthFromHeaders,
  storedResponse,
  uploadBody,
  uploadFailure,
  waitForNewSecond,
} from './outcome.ts'
import { contentTypeFromHeaders } from './owner-headers.ts'
import { checkExisting, claimOwner } from './ownership.ts'

/** Stores a part in one request. */
export async function storeWhole(deposit: Deposit): Promise<Response | Refusal> {
  const { context, ref, ownership, services } = deposit
  const { headers } = context.request
  const size = contentLengthFromHeaders(context.request)
  if (size instanceof Refusal) return size
  const sha256 = digestFields(headers)
  if (sha256 instanceof Refusal) return sha256

  const present = await checkExisting(deposit)
  if (present instanceof Refusal || present instanceof Response) return present
  const contentType = contentTypeFromHeaders(headers, ref)
  const body = uploadBody(deposit)
  const fail = (error: unknown) => uploadFailure(error, body, deposit)
  const checked = await checkPlaylist(body, size, contentType, deposit).catch(fail)
  if (checked instanceof Refusal) return checked
  // Only now, so that what is refused binds nothing.
  const refusal = await claimOwner(deposit)
  if (refusal !== undefined) return refusal

  await waitForNewSecond(present, context.now())
  const stored = await services.store
    .put(ref.key, checked.body, {
      size,
      contentType,
      ownership,
      replaces: present?.etag ?? null,
      ...(sha256 !== undefined && { sha256 }),
    })
    .catch(fail)
  return stored instanceof Refusal ? stored : storedResponse(stored, present)
}
