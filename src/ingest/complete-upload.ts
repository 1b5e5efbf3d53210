import { refuseWholeDigest } from '../http/digest-fields.ts'
import { readJson } from '../http/read-json.ts'
import { Refusal } from '../refusal.ts'
import { type Deposit, invalidUpload } from './deposit.ts'
import { storedResponse, storeFailure, uploadUnknown, waitForNewSecond } from './outcome.ts'
import { checkExisting, requireClaim } from './ownership.ts'
import { isName, isSize, MAX_PIECES, pieceSizeOf } from './pieces.ts'

/** Most bytes of the body that completes an upload: every tag of the greatest length, and the JSON around them. */
const MAX_BODY = MAX_PIECES * 1100

/** Completes an upload: the part is there whole, or not at all. */
export async function completeUpload(deposit: Deposit): Promise<Response | Refusal> {
  const { context, ref, services } = deposit
  const { headers } = context.request
  const upload = headers.get('mediaward-upload')
  if (!isName(upload) || headers.has('mediaward-upload-size')) {
    return invalidUpload(
      'Mediaward-Upload completes what was begun, Mediaward-Upload-Size begins: send one of them',
    )
  }
  const digest = refuseWholeDigest(headers)
  if (digest !== undefined) return digest
  // Before the body, which may be long, is read.
  const refusal = await requireClaim(deposit)
  if (refusal !== undefined) return refusal
  const body = await readJson(context.request, {
    most: MAX_BODY,
    invalid: 'upload_invalid',
    timeout: services.bodyTimeouts.json,
  })
  if (body instanceof Refusal) return body
  const whole = readWhole(body.json)
  if (whole instanceof Refusal) return whole
  // Too few or too many: the store would find it, too, but not every store at once.
  if (whole.tags.length !== Math.ceil(whole.size / pieceSizeOf(whole.size))) return uploadUnknown()

  const present = await checkExisting(deposit)
  if (present instanceof Refusal || present instanceof Response) return present
  await waitForNewSecond(present, context.now())
  const stored = await services.store.uploads
    .complete(ref.key, upload, { ...whole, replaces: present?.etag ?? null })
    .catch(storeFailure)
  return stored instanceof Refusal ? stored : storedResponse(stored, present)
}

function readWhole(json: unknown): { readonly size: number; readonly tags: readonly string[] } | Refusal {
  const { size, pieces } = (typeof json === 'object' && json !== null ? json : {}) as {
    size?: unknown
    pieces?: unknown
  }
  if (!isSize(size) || !Array.isArray(pieces) || !pieces.every(isName)) {
    return invalidUpload(
      'The body must be {"size": BYTES, "pieces": [TAG, …]}, with what was answered to each piece, in order',
    )
  }
  return { size, tags: pieces }
}
