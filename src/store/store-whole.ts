import { isRefused, type Refused, refused } from '../refusal.ts'
import { brokenOff, outcomeOf, pauseAfter } from './outcome.ts'
import { claimFor, lookAt } from './ownership.ts'
import { statedDigest } from './stated-digest.ts'
import { statedType } from './stated-owner.ts'
import type { Deposit } from './storage.ts'

/** Stores a part in one request. */
export async function storeWhole(deposit: Deposit): Promise<Response | Refused> {
  const { attempt, place, binding, storage } = deposit
  const { headers, body } = attempt.request
  const size = Number(headers.get('content-length') ?? Number.NaN)
  if (!Number.isSafeInteger(size) || size < 0) {
    return refused(
      'upload_invalid',
      'Content-Length is missing: the size must be known before the first byte',
    )
  }
  const sha256 = statedDigest(headers)
  if (typeof sha256 === 'object') return sha256

  const looked = await lookAt(deposit)
  if (!('present' in looked)) return looked
  const { present } = looked
  const refusal = await claimFor(deposit)
  if (refusal !== undefined) return refusal

  await pauseAfter(present, attempt.at)
  const stored = await storage.store
    .put(place.key, body, {
      size,
      contentType: statedType(headers, place),
      binding,
      replaces: present?.etag ?? null,
      ...(sha256 !== undefined && { sha256 }),
    })
    .catch((error: unknown) => brokenOff(error, deposit))
  return isRefused(stored) ? stored : outcomeOf(stored, present, deposit)
}
