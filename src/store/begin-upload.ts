import { responseHeaders } from '../deliver/response-headers.ts'
import { type Refused, refused } from '../refusal.ts'
import { refuseInPieces } from './check-playlist.ts'
import { storeFailure } from './outcome.ts'
import { claimFor, lookAt } from './ownership.ts'
import { isSize, pieceSizeOf } from './pieces.ts'
import { refuseWholeDigest } from './stated-digest.ts'
import { statedType } from './stated-owner.ts'
import type { Deposit } from './storage.ts'

/** Begins to store a part in pieces. All that can be known to be wrong is said now, before the first byte is sent. */
export async function beginUpload(deposit: Deposit): Promise<Response | Refused> {
  const { attempt, place, binding, storage, crossOrigin } = deposit
  const { headers } = attempt.request
  const stated = headers.get('mediaward-upload-size') ?? ''
  const size = /^\d{1,16}$/.test(stated) ? Number(stated) : 0
  if (!isSize(size)) {
    return refused('upload_invalid', 'Mediaward-Upload-Size must be the bytes of the whole: 1 to 5 TiB')
  }
  // A completion that lost its name on the way must not begin another upload, nor a part that was meant to be stored.
  if (Number(headers.get('content-length') ?? 0) !== 0 || headers.has('transfer-encoding')) {
    return refused('upload_invalid', 'An upload begins without a body: its pieces are sent by PUT')
  }
  const digest = refuseWholeDigest(headers)
  if (digest !== undefined) return digest
  const contentType = statedType(headers, place)
  const inPieces = refuseInPieces(deposit, contentType)
  if (inPieces !== undefined) return inPieces

  const looked = await lookAt(deposit)
  if (!('present' in looked)) return looked
  const refusal = await claimFor(deposit)
  if (refusal !== undefined) return refusal

  const pieceSize = pieceSizeOf(size)
  const options = { size, pieceSize, contentType, binding }
  const upload = await storage.store.begin(place.key, options).catch(storeFailure)
  if (typeof upload === 'object') return upload
  return Response.json(
    { upload, piece_size: pieceSize },
    { status: 201, headers: responseHeaders(crossOrigin) },
  )
}
