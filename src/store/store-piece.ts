import { responseHeaders } from '../deliver/response-headers.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'
import { peekUnnamed, refuseInPieces } from './check-playlist.ts'
import { brokenOff, statedLength, uploadOf } from './outcome.ts'
import { confirmFor } from './ownership.ts'
import { isName, statedPiece } from './pieces.ts'
import { refuseWholeDigest, statedDigest } from './stated-digest.ts'
import type { Deposit } from './storage.ts'

/** Stores one piece of a part. Nobody sees it before the whole is complete. */
export async function storePiece(deposit: Deposit): Promise<Response | Refused> {
  const { attempt, place, storage, crossOrigin } = deposit
  const { headers } = attempt.request
  const upload = headers.get('mediaward-upload')
  const range = headers.get('content-range')
  if (upload === null || range === null || !isName(upload)) {
    return refused(
      'upload_invalid',
      'A piece has both Mediaward-Upload and Content-Range: send both, or send the whole part with neither',
    )
  }
  const piece = statedPiece(range)
  if (isRefused(piece)) return piece
  const length = statedLength(attempt.request)
  if (typeof length === 'object') return length
  if (length !== piece.length) {
    return refused('upload_invalid', 'Content-Length must be that of the piece which Content-Range names')
  }
  const sha256 = refuseWholeDigest(headers) ?? statedDigest(headers)
  if (typeof sha256 === 'object') return sha256

  const refusal = await confirmFor(deposit)
  if (refusal !== undefined) return refusal
  const body = uploadOf(deposit)
  const source = await peekUnnamed(piece.number === 1, body, deposit).catch((error: unknown) =>
    brokenOff(error, body, deposit),
  )
  if (isRefused(source)) return source
  const inPieces = refuseInPieces(deposit, undefined, source.start)
  if (inPieces !== undefined) {
    await source.discard()
    return inPieces
  }
  const options = {
    number: piece.number,
    size: piece.length,
    ...(sha256 !== undefined && { sha256 }),
  }
  const tag = await storage.store
    .putPiece(place.key, upload, source.body, options)
    .catch((error: unknown) => brokenOff(error, body, deposit))
  return typeof tag === 'object'
    ? tag
    : Response.json({ piece: tag }, { headers: responseHeaders(crossOrigin) })
}
