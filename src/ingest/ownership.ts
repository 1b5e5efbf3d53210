import { failedPrecondition } from '../http/preconditions.ts'
import { emptyResponse } from '../http/response-headers.ts'
import { hasOwner, isSameOwner, type Ownership, withDefaultIssuer } from '../recordings/recording.ts'
import { DamagedPart, type StoredPart } from '../recordings/recording-store.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { BoundBy } from '../request-context.ts'
import type { Deposit } from './deposit.ts'
import { storeFailure, uploadUnknown } from './outcome.ts'

const unavailable = Fault.as('store_unavailable')

/**
 * Looks at what is in the place of a part: only its own owner's may be replaced, and only if the request's preconditions
 * hold. Claims nothing.
 */
export async function checkExisting(deposit: Deposit): Promise<StoredPart | null | Response | Refusal> {
  const { context, ref, ownership, services } = deposit
  // What the owner source will say once the part is stored: one that names another owner would refuse this one for good.
  const [named] = await services.owners.of(ref, [ownership])
  if (named?.owner !== undefined || named?.disputed) {
    const refusal = refuseOtherOwner(deposit, named, 'owner_source')
    if (refusal !== undefined) return refusal
  }
  const present = await services.store.find(ref.key).catch(unavailable)
  if (present instanceof DamagedPart) throw new Fault('store_unavailable', present.fault)
  if (present !== null) {
    const refusal = refuseOtherOwner(deposit, present.ownership, 'object')
    if (refusal !== undefined) return refusal
  }
  const { method, headers } = context.request
  const failed = failedPrecondition(method, headers, present, context.at)
  return failed === undefined ? present : emptyResponse(failed)
}

/** Binds the recording to its owner for good, unless it is another's. The record of that is durable before. */
export async function claimOwner(deposit: Deposit): Promise<Refusal | undefined> {
  const { context, ref, ownership, services } = deposit
  const { claims, bindings, defaultIssuer } = services
  const claimed = await claims
    .claim(ref.recording, ownership, services.keyPrefixes(ref.recording), claim =>
      bindings.record(context, { ...claim, ownership: withDefaultIssuer(claim.ownership, defaultIssuer) }),
    )
    .catch((error: unknown) => {
      if (error instanceof Fault) throw error
      return storeFailure(error)
    })
  if (claimed instanceof Refusal) return claimed
  return refuseOtherOwner(deposit, claimed, hasOwner(claimed, defaultIssuer) ? 'claim' : 'object')
}

/**
 * Makes sure that a recording is bound to the owner whom a request names, without binding it. The recorder that
 * began an upload has bound it: without a binding there is no upload to go on with.
 */
export async function requireClaim(deposit: Deposit): Promise<Refusal | undefined> {
  const { services, ref } = deposit
  const claimed = await services.claims.find(ref.recording).catch(unavailable)
  return claimed === null ? uploadUnknown() : refuseOtherOwner(deposit, claimed, 'claim')
}

function refuseOtherOwner(
  { context, ownership, services }: Deposit,
  bound: Ownership,
  by: BoundBy,
): Refusal | undefined {
  const { defaultIssuer } = services
  const owner = withDefaultIssuer(bound, defaultIssuer)
  if (isSameOwner(owner, ownership)) return undefined
  // With its issuer: the record names no owner without one.
  context.ownership = owner
  context.conflict = { by, named: ownership }
  return new Refusal(
    'binding_conflict',
    bound.disputed === true || hasOwner(bound, defaultIssuer)
      ? 'This recording is bound to another owner or tenant: store under a new id'
      : 'What is stored under this id has no owner (mw-owner, and with several issuers mw-issuer): stamp it or take it away, or store under a new id',
  )
}
