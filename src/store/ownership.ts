import { failedPrecondition } from '../deliver/preconditions.ts'
import type { StoredPart } from '../deliver/recording-store.ts'
import { responseHeaders } from '../deliver/response-headers.ts'
import { type Binding, hasOwner, settled } from '../recording.ts'
import { Fault, isRefused, type Refused, refused } from '../refusal.ts'
import { storeFailure, uploadUnknown } from './outcome.ts'
import type { Deposit, Storage } from './storage.ts'

const unavailable = Fault.as('store_unavailable')

/**
 * Looks at what is in the place of a part: only its own owner's may be replaced, and only if the request's preconditions
 * hold. Claims nothing.
 */
export async function lookAt(
  deposit: Deposit,
): Promise<{ readonly present: StoredPart | null } | Response | Refused> {
  const { attempt, place, storage, crossOrigin } = deposit
  const present = await storage.store.find(place.key).catch(unavailable)
  if (present !== null && 'fault' in present) throw new Fault('store_unavailable', present.fault)
  if (present !== null) {
    const refusal = refuseOther(deposit, present.binding)
    if (refusal !== undefined) return refusal
  }
  const { method, headers } = attempt.request
  const failed = failedPrecondition(method, headers, present, attempt.at)
  if (failed === undefined) return { present }
  return new Response(null, { status: failed, headers: responseHeaders(crossOrigin) })
}

/** Binds the recording to its owner for good, unless it is another's. */
export async function claimFor(deposit: Deposit): Promise<Refused | undefined> {
  const { place, binding, storage } = deposit
  const { store, places } = storage
  const { recording } = place
  const claimed = await store
    .claim(recording, binding, places(recording), soleIssuerOf(storage))
    .catch(storeFailure)
  return isRefused(claimed) ? claimed : refuseOther(deposit, claimed)
}

/**
 * Makes sure that a recording is bound to the owner whom a request names, without binding it. Whoever began an upload
 * has bound it: where nobody has, there is no upload to go on with.
 */
export async function confirmFor(deposit: Deposit): Promise<Refused | undefined> {
  const { storage, place } = deposit
  const claimed = await storage.store.claimed(place.recording).catch(unavailable)
  const isBound = claimed !== null && hasOwner(claimed, soleIssuerOf(storage))
  return isBound ? refuseOther(deposit, claimed) : uploadUnknown()
}

function refuseOther({ attempt, binding, storage }: Deposit, bound: Binding): Refused | undefined {
  const soleIssuer = soleIssuerOf(storage)
  const owner = settled(bound, soleIssuer)
  const { owner: id, issuer, tenant } = binding
  if (owner.owner === id && owner.issuer === issuer && owner.tenant === tenant) return undefined
  attempt.binding = bound
  return refused(
    'binding_conflict',
    hasOwner(bound, soleIssuer)
      ? 'This recording is bound to another owner or tenant: store under a new id'
      : 'What is stored under this id has no owner (mw-owner, and with several issuers mw-issuer): stamp it or take it away, or store under a new id',
  )
}

const soleIssuerOf = ({ issuers }: Storage): string | undefined =>
  issuers.length === 1 ? issuers[0] : undefined
