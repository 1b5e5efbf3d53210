import { isRefused, type Refused } from '../refusal.ts'
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
  const refusal = await claimFor(deposit)
  if (refusal !== undefined) return refusal

  await pauseAfter(present, attempt.at)
  const body = uploadOf(deposit)
  const stored = await storage.store
    .put(place.key, body, {
      size,
      contentType: statedType(headers, place),
      binding,
      replaces: present?.etag ?? null,
      ...(sha256 !== undefined && { sha256 }),
    })
    .catch((error: unknown) => brokenOff(error, body, deposit))
  return isRefused(stored) ? stored : outcomeOf(stored, present, deposit)
}
