import { stat } from 'node:fs/promises'
import { say } from '../terminal.ts'
import type { Journal } from './journal.ts'
import { type Begun, isBegun, isPieceSize, isStoreText } from './journal-text.ts'
import { inParallel } from './parallel.ts'
import { Changed, digestOf, sameVersion, versionOf } from './read.ts'
import { type Line, NotTaken, send } from './send.ts'
import type { Place } from './sources.ts'

/**
 * Stores a file in pieces, of which a reader sees nothing before all are put together. Goes on where an earlier run
 * ended; where the gate no longer knows of that, it begins anew, once.
 *
 * @param parallel how many pieces are sent at once
 */
export async function storeInPieces(
  place: Place,
  line: Line,
  journal: Journal,
  parallel: number,
): Promise<void> {
  try {
    await storeOnce(place, line, journal, parallel)
  } catch (error) {
    if (!(error instanceof NotTaken && error.status === 409 && isBegun(journal.of(place.source)))) throw error
    say(`${place.source.path}: the upload that was begun is gone: sending it anew`)
    await journal.note(place.source, undefined)
    await storeOnce(place, line, journal, parallel)
  }
}

async function storeOnce(place: Place, line: Line, journal: Journal, parallel: number): Promise<void> {
  const { source, url } = place
  const { path, version } = source
  const known = journal.of(source)
  const begun = isBegun(known) && sameVersion(known.version, version) ? known : await begin(place, line)
  await journal.note(source, begun)
  const { upload, pieceSize } = begun
  const count = Math.ceil(version.size / pieceSize)
  const pieces = Array.from({ length: count }, (_, number) => begun.pieces[number] ?? null)
  const missing = [...pieces.keys()].filter(number => pieces[number] === null)

  let moved = 0
  const sizeOf = (number: number) => Math.min(pieceSize, version.size - number * pieceSize)
  const before = version.size - missing.reduce((sum, number) => sum + sizeOf(number), 0)
  line.meter.skip(before)
  moved += before
  try {
    await inParallel(missing, parallel, async number => {
      pieces[number] = await sendPiece(
        place,
        upload,
        { first: number * pieceSize, size: sizeOf(number) },
        line,
      )
      moved += sizeOf(number)
      await journal.note(source, { ...begun, pieces: [...pieces] })
    })
    // Each piece was of this version when it was read; so is all of it, as a change can't be undone.
    if (!sameVersion(versionOf(await stat(path)), version)) throw new Changed(path)
    const headers = { 'Mediaward-Upload': upload }
    const json = { size: version.size, pieces }
    await send({ about: path, method: 'POST', url: new URL(`${url}/upload`), headers, json }, line)
  } catch (error) {
    line.meter.add(-moved)
    if (error instanceof Changed) {
      await giveUp(place, begun, line)
      await journal.note(source, undefined)
    }
    throw error
  }
  await journal.note(source, { version })
}

async function begin({ source, url }: Place, line: Line): Promise<Begun> {
  const { path, version, contentType } = source
  const headers = { 'Content-Type': contentType, 'Mediaward-Upload-Size': String(version.size) }
  const letter = { about: path, method: 'POST', url: new URL(`${url}/upload`), headers } as const
  const { upload, piece_size } = ((await send(letter, line)) ?? {}) as {
    upload?: unknown
    piece_size?: unknown
  }
  if (!isStoreText(upload) || !isPieceSize(piece_size))
    throw new Error(`${path} was not stored: ${url.origin} is no gate`)
  return { version, upload, pieceSize: piece_size, pieces: [] }
}

/** @returns the store's tag of it */
async function sendPiece(
  { source, url }: Place,
  upload: string,
  { first, size }: { first: number; size: number },
  line: Line,
): Promise<string> {
  const { path, version } = source
  const stretch = { path, version, first, size }
  const headers = {
    'Mediaward-Upload': upload,
    'Content-Range': `bytes ${first}-${first + size - 1}/${version.size}`,
  }
  const bytes = { stretch, sha256: await digestOf(stretch) }
  const answer = await send({ about: path, method: 'PUT', url, headers, bytes }, line)
  const { piece } = (answer ?? {}) as { piece?: unknown }
  if (!isStoreText(piece)) throw new Error(`${path} was not stored: ${url.origin} is no gate`)
  return piece
}

/** Tells the store that nothing more comes. What can't be told is swept away by the store, days later. */
export async function giveUp({ source, url }: Place, { upload }: Begun, line: Line): Promise<void> {
  const headers = { 'Mediaward-Upload': upload }
  const letter = { about: source.path, method: 'DELETE', url: new URL(`${url}/upload`), headers } as const
  await send(letter, line).catch(() => {})
}
