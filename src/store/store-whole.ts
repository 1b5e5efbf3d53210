import { isRefused, type Refused } from '../refusal.ts'
import { checkPlaylist } from './check-playlist.ts'
import { brokenOff, outcomeOf, pauseAfter, statedLength, uploadOf } from './outcome.ts'
import { claimFor, lookAt } from './ownership.ts'
import { statedDigest } from './stated-digest.ts'
import { statedType } from './stated-owner.ts'
import type { Deposit } from './storage.ts'

/** Stores a part in one request. */
export async function storeWhole(deposit: Deposit): Promise<Response | Refused> {
  const { attempt, place, binding, storage } = deposit
  const { headers } = attempt.request
  const size = statedLength(attempt.request)
  if (typeof size === 'object') return size
  const sha256 = statedDigest(headers)
  if (typeof sha256 === 'object') return sha256

  const looked = await lookAt(deposit)
  if (!('present' in looked)) return looked
  const { present } = looked
  const contentType = statedType(headers, place)
  const body = uploadOf(deposit)
  const checked = await checkPlaylist(body, size, contentType, deposit).catch((error: unknown) =>
    brokenOff(error, body, deposit),
  )
  if (isRefused(checked)) return checked
  // Only now, so that what is refused binds nothing.
  const refusal = await claimFor(deposit)
  if (refusal !== undefined) return refusal

  await pauseAfter(present, attempt.at)
  const stored = await storage.store
    .put(place.key, checked.body, {
      size,
      contentType,
      binding,
      replaces: present?.etag ?? null,
      ...(sha256 !== undefined && { sha256 }),
    })
    .catch((error: unknown) => brokenOff(error, body, deposit))
  return isRefused(stored) ? stored : outcomeOf(stored, present, deposit)
}
