import { claimAt, stringClaim } from '../authenticate/claim-value.ts'
import type { Entry } from '../authenticate/entry.ts'
import { idIn } from '../authenticate/identity.ts'
import { IntrospectionFailure } from '../authenticate/introspection/introspect.ts'
import { KeyFault } from '../authenticate/keys/key-fault.ts'
import type { nameSpaceOf } from '../authorize/subject.ts'
import type { WaitUntil } from '../base/timeout.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { Fault, Refusal } from '../refusal.ts'
import { RequestContext } from '../request-context.ts'
import { type Explanation, layOut } from './explanation.ts'
import { nearestIssuer } from './nearest-issuer.ts'
import { type Attempt, GATE, type Question } from './question.ts'
import { type ReadToken, type RefusedToken, readToken } from './refused-token.ts'

/** What explaining takes beside the question. */
export interface ExplainInput {
  readonly attempt: Attempt
  readonly entries: readonly Entry[]
  readonly concealedStatus: 403 | 404
  /** Whether the attempt looks at no recording. */
  readonly isOffline: boolean
  readonly locations: readonly Pick<CompiledLocation, 'url'>[]
  readonly waitUntil: WaitUntil
  readonly now: () => number
  /**
   * Returns what a person is called in the explanation.
   *
   * @param of undefined if no good signature proves that the token is the person's
   */
  readonly nameOf: (id: string, of: Parameters<typeof nameSpaceOf>[0] | undefined) => Promise<string> | string
}

/** An explanation, and what the gate found out about the request. */
export interface Explained {
  readonly explanation: Explanation
  readonly context: RequestContext
}

/**
 * Explains what the gate would answer. The gate's own functions decide: they try the request, and nothing of it is
 * recorded. What they refuse is then laid out as the steps of the request's way.
 */
export async function explain(question: Question, input: ExplainInput): Promise<Explained> {
  const { entries, concealedStatus, isOffline } = input
  const { context, refusal, why } = await tryRequest(question, input)
  // The gate refuses for want of a proof first, so that a thief learns nothing of the token. Its holder may.
  const asBearer =
    refusal?.reason === 'proof_missing'
      ? await tryRequest({ ...question, scheme: 'Bearer' }, input)
      : undefined
  // Whose the recording is, for the record of this question.
  if (asBearer?.context.ownership !== undefined) context.ownership = asBearer.context.ownership
  const read = readToken(context, entries, question.token)
  const entry = read.entry ?? nearestEntry(read)
  const id = idOf(read, entry)
  const { owner, issuer } = context.ownership ?? {}
  const explanation = layOut(
    {
      ...read,
      entry,
      question,
      context,
      refusal,
      why: why ?? asBearer?.why,
      asBearer: asBearer?.refusal && { reason: asBearer.refusal.reason, facts: asBearer.context.token ?? {} },
      isOffline,
      locations: input.locations.map(({ url }) => url),
      subjectName: id === undefined ? undefined : await input.nameOf(id, context.subject),
      ownerName:
        owner === undefined || issuer === undefined ? undefined : await input.nameOf(owner, { issuer }),
    },
    concealedStatus,
  )
  return { explanation, context }
}

/** A request that was tried, and what came of it. */
interface TriedRequest {
  readonly context: RequestContext
  readonly refusal: Refusal | undefined
  readonly why: RefusedToken['why']
}

async function tryRequest(
  question: Question,
  { attempt, waitUntil, now }: ExplainInput,
): Promise<TriedRequest> {
  const context = new RequestContext({ request: requestOf(question), waitUntil, now, network: () => ({}) })
  try {
    const outcome = await attempt(context)
    return { context, refusal: outcome instanceof Refusal ? outcome : undefined, why: undefined }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { reason, cause } = error
    // The messages of these are for the operator.
    const isShown = cause instanceof KeyFault || cause instanceof IntrospectionFailure
    return { context, refusal: new Refusal(reason), why: isShown ? cause : undefined }
  }
}

/** A HEAD: for it the gate decides as for a GET, and sends no byte that would begin a view. */
function requestOf({ token, scheme, place, path = '/' }: Question): Request {
  const headers = new Headers(
    place === undefined
      ? { Authorization: `${scheme} ${token}`.trimStart() }
      : place.in === 'header'
        ? { [place.name]: token }
        : { Cookie: `${place.name}=${token}` },
  )
  return new Request(new URL(path, GATE), { method: 'HEAD', headers })
}

/** What a token is compared with that no entry is for, so that all its mistakes are found at once. */
function nearestEntry({ payload: { iss }, entries }: ReadToken): Entry | undefined {
  if (typeof iss !== 'string') return undefined
  return entries.find(({ issuer }) => issuer === iss) ?? nearestIssuer(iss, entries)?.entry
}

function idOf({ payload, facts: { subject } }: ReadToken, entry: Entry | undefined): string | undefined {
  if (subject !== undefined) return subject.id
  const path = entry?.subject_claim ?? 'sub'
  const claim = stringClaim(claimAt(payload, path))
  return claim === undefined ? undefined : idIn(claim, path)
}
