import { NotTaken } from './answer.ts'
import type { Line } from './attempt.ts'
import type { Begun } from './journal-text.ts'
import { isPieceSize, isStoreText } from './journal-text.ts'
import { digestOf, type Stretch } from './read.ts'
import { send } from './send.ts'
import type { Place } from './sources.ts'

// The four requests by which a part is stored in pieces.

const toUpload = ({ url }: Place): URL => new URL(`${url}/upload`)

/** Begins. Notes whether the place was empty: only then can a lost answer to the end be made up for. */
export async function begin(place: Place, line: Line): Promise<Begun> {
  const begun = await beginWhere(place, line, { 'If-None-Match': '*' })
  return begun === undefined
    ? { ...(await beginAgain(place, line)), fresh: false }
    : { ...begun, fresh: true }
}

/** Whether there is something in the place of a part by now. A recorder may store, and not look. */
export async function isThere(place: Place, line: Line): Promise<boolean> {
  const begun = await beginWhere(place, line, { 'If-None-Match': '*' })
  if (begun !== undefined) await giveUp(place, begun, line)
  return begun === undefined
}

type Opened = Omit<Begun, 'fresh'>

async function beginAgain(place: Place, line: Line): Promise<Opened> {
  const begun = await beginWhere(place, line, {})
  if (begun === undefined) throw noGate(place)
  return begun
}

/** @returns undefined where a precondition failed */
async function beginWhere(
  place: Place,
  line: Line,
  preconditions: Readonly<Record<string, string>>,
): Promise<Opened | undefined> {
  const { path: about, version, contentType } = place.source
  const headers = {
    'Content-Type': contentType,
    'Mediaward-Upload-Size': String(version.size),
    ...preconditions,
  }
  try {
    const answer = await send({ about, method: 'POST', url: toUpload(place), headers }, line)
    const { upload, piece_size: pieceSize } = (answer ?? {}) as { upload?: unknown; piece_size?: unknown }
    if (!isStoreText(upload) || !isPieceSize(pieceSize)) throw noGate(place)
    return { version, upload, pieceSize, pieces: [] }
  } catch (error) {
    if (error instanceof NotTaken && error.status === 412) return undefined
    throw error
  }
}

/** @returns the store's tag of the piece */
export async function sendPiece(
  place: Place,
  upload: string,
  { first, size }: { readonly first: number; readonly size: number },
  line: Line,
): Promise<string> {
  const { path, version } = place.source
  const stretch: Stretch = { path, version, first, size }
  const headers = {
    'Mediaward-Upload': upload,
    'Content-Range': `bytes ${first}-${first + size - 1}/${version.size}`,
  }
  const bytes = { stretch, sha256: await digestOf(stretch) }
  const answer = await send({ about: path, method: 'PUT', url: place.url, headers, bytes }, line)
  const { piece } = (answer ?? {}) as { piece?: unknown }
  if (!isStoreText(piece)) throw noGate(place)
  return piece
}

/** Makes the part of its pieces. */
export async function complete(
  place: Place,
  upload: string,
  pieces: readonly string[],
  line: Line,
): Promise<void> {
  const { path: about, version } = place.source
  const headers = { 'Mediaward-Upload': upload }
  const json = { size: version.size, pieces }
  const answer = await send({ about, method: 'POST', url: toUpload(place), headers, json }, line)
  if ((answer as { size?: unknown } | null)?.size !== version.size) throw noGate(place)
}

/** Tells the store that nothing more comes. What can't be told is swept away by the store, days later. */
export async function giveUp(place: Place, { upload }: Pick<Begun, 'upload'>, line: Line): Promise<void> {
  const headers = { 'Mediaward-Upload': upload }
  await send({ about: place.source.path, method: 'DELETE', url: toUpload(place), headers }, line).catch(
    () => {},
  )
}

/** A proxy's page, or a login before the network, must not pass for the gate. */
export function noGate({ source, url }: Place): Error {
  return new Error(`${source.path} was not stored: what answers at ${url.origin} is no gate`)
}
