import { digestFields } from '../http/digest-fields.ts'
import { Refusal } from '../refusal.ts'
import { checkPlaylist } from './check-playlist.ts'
import {
  contentLengthFromHeaders,
  storedResponse,
  uploadFailure,
  uploadOf,
  waitForNewSecond,
} from './outcome.ts'
import { contentTypeFromHeaders } from './owner-headers.ts'
import { claimOwner, lookAt } from './ownership.ts'
import type { Deposit } from './storage.ts'

/** Stores a part in one request. */
export async function storeWhole(deposit: Deposit): Promise<Response | Refusal> {
  const { context, ref, binding, storage } = deposit
  const { headers } = context.request
  const size = contentLengthFromHeaders(context.request)
  if (typeof size === 'object') return size
  const sha256 = digestFields(headers)
  if (typeof sha256 === 'object') return sha256

  const looked = await lookAt(deposit)
  if (!('present' in looked)) return looked
  const { present } = looked
  const contentType = contentTypeFromHeaders(headers, ref)
  const body = uploadOf(deposit)
  const checked = await checkPlaylist(body, size, contentType, deposit).catch((error: unknown) =>
    uploadFailure(error, body, deposit),
  )
  if (checked instanceof Refusal) return checked
  // Only now, so that what is refused binds nothing.
  const refusal = await claimOwner(deposit)
  if (refusal !== undefined) return refusal

  await waitForNewSecond(present, context.at)
  const stored = await storage.store
    .put(ref.key, checked.body, {
      size,
      contentType,
      binding,
      replaces: present?.etag ?? null,
      ...(sha256 !== undefined && { sha256 }),
    })
    .catch((error: unknown) => uploadFailure(error, body, deposit))
  return stored instanceof Refusal ? stored : storedResponse(stored, present, deposit)
}
