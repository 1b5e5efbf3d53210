import { refuseWholeDigest } from '../http/digest-fields.ts'
import { jsonResponse } from '../http/response-headers.ts'
import { Refusal } from '../refusal.ts'
import { refuseInPieces } from './check-playlist.ts'
import { type Deposit, invalidUpload } from './deposit.ts'
import { storeFailure } from './outcome.ts'
import { contentTypeFromHeaders } from './owner-headers.ts'
import { checkExisting, claimOwner } from './ownership.ts'
import { isSize, pieceSizeOf } from './pieces.ts'

/** Begins to store a part in pieces. All that can be known to be wrong is said now, before the first byte is sent. */
export async function beginUpload(deposit: Deposit): Promise<Response | Refusal> {
  const { context, ref, ownership, services } = deposit
  const { headers } = context.request
  const stated = headers.get('mediaward-upload-size') ?? ''
  const size = /^\d{1,16}$/.test(stated) ? Number(stated) : 0
  if (!isSize(size)) {
    return invalidUpload('Mediaward-Upload-Size must be the bytes of the whole: 1 to 5 TiB')
  }
  // A completion that lost its name on the way must not begin another upload, nor a part that was meant to be stored.
  if (Number(headers.get('content-length') ?? 0) !== 0 || headers.has('transfer-encoding')) {
    return invalidUpload('An upload begins without a body: its pieces are sent by PUT')
  }
  const digest = refuseWholeDigest(headers)
  if (digest !== undefined) return digest
  const contentType = contentTypeFromHeaders(headers, ref)
  const inPieces = refuseInPieces(deposit, contentType)
  if (inPieces !== undefined) return inPieces

  const present = await checkExisting(deposit)
  if (present instanceof Refusal || present instanceof Response) return present
  const refusal = await claimOwner(deposit)
  if (refusal !== undefined) return refusal

  const pieceSize = pieceSizeOf(size)
  const options = { size, pieceSize, contentType, ownership }
  const upload = await services.store.uploads.begin(ref.key, options).catch(storeFailure)
  if (upload instanceof Refusal) return upload
  return jsonResponse({ upload, piece_size: pieceSize }, 201)
}
