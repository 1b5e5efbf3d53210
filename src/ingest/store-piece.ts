import { present } from '../base/present.ts'
import { digestFields, refuseWholeDigest } from '../http/digest-fields.ts'
import { jsonResponse } from '../http/response-headers.ts'
import { Refusal } from '../refusal.ts'
import { peekUnnamed, refuseInPieces } from './check-playlist.ts'
import { type Deposit, invalidUpload } from './deposit.ts'
import { contentLengthFromHeaders, uploadBody, uploadFailure } from './outcome.ts'
import { requireClaim } from './ownership.ts'
import { isName, parsePieceRange } from './pieces.ts'

/** Stores one piece of a part. No reader sees it before the whole is complete. */
export async function storePiece(deposit: Deposit): Promise<Response | Refusal> {
  const { context, ref, services } = deposit
  const { headers } = context.request
  const upload = headers.get('mediaward-upload')
  const range = headers.get('content-range')
  if (range === null || !isName(upload)) {
    return invalidUpload(
      'A piece has both Mediaward-Upload and Content-Range: send both, or send the whole part with neither',
    )
  }
  const piece = parsePieceRange(range)
  if (piece instanceof Refusal) return piece
  const length = contentLengthFromHeaders(context.request)
  if (length instanceof Refusal) return length
  if (length !== piece.length) {
    return invalidUpload('Content-Length must be that of the piece which Content-Range names')
  }
  const sha256 = refuseWholeDigest(headers) ?? digestFields(headers)
  if (sha256 instanceof Refusal) return sha256

  const refusal = await requireClaim(deposit)
  if (refusal !== undefined) return refusal
  const body = uploadBody(deposit)
  const fail = (error: unknown) => uploadFailure(error, body, deposit)
  const source = await peekUnnamed(piece.number === 1, body, deposit).catch(fail)
  if (source instanceof Refusal) return source
  const inPieces = refuseInPieces(deposit, undefined, source.start)
  if (inPieces !== undefined) {
    await source.discard()
    return inPieces
  }
  const options = { number: piece.number, size: piece.length, ...present({ sha256 }) }
  const tag = await services.store.uploads.putPiece(ref.key, upload, source.body, options).catch(fail)
  return tag instanceof Refusal ? tag : jsonResponse({ piece: tag })
}
