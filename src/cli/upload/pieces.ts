import { stat } from 'node:fs/promises'
import { say } from '../terminal.ts'
import { NotTaken } from './answer.ts'
import type { Line } from './attempt.ts'
import type { Journal } from './journal.ts'
import { type Begun, isBegun } from './journal-text.ts'
import { inParallel } from './parallel.ts'
import { begin, complete, giveUp, isThere, sendPiece } from './piecewise.ts'
import { Changed, sameVersion, versionOf } from './read.ts'
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
    const begun = journal.of(place.source)
    if (!(isConflict(error) && isBegun(begun))) throw error
    say(`${place.source.path}: the upload that was begun is gone: sending it anew`)
    line.meter.add(-storedOf(begun))
    await journal.note(place.source, undefined)
    await storeOnce(place, line, journal, parallel)
  }
}

async function storeOnce(place: Place, line: Line, journal: Journal, parallel: number): Promise<void> {
  const { source } = place
  const { path, version } = source
  const known = journal.of(source)
  let begun = isBegun(known) ? known : await begin(place, line)
  const { upload } = begun
  // Before the first piece: an upload that nobody knows of would be kept, and paid for, for days.
  await journal.note(source, begun)
  line.meter.skip(storedOf(begun))
  const count = Math.ceil(version.size / begun.pieceSize)
  const missing = Array.from({ length: count }, (_, number) => number).filter(n => begun.pieces[n] == null)
  try {
    await inParallel(missing, parallel, async number => {
      const piece = { first: number * begun.pieceSize, size: sizeOf(begun, number) }
      const tag = await sendPiece(place, upload, piece, line)
      const pieces = Array.from({ length: count }, (_, n) => (n === number ? tag : (begun.pieces[n] ?? null)))
      begun = { ...begun, pieces }
      await journal.note(source, begun)
    })
    // Each piece was of this version when it was read; so is all of it, as a change can't be undone.
    const now = await stat(path).catch(() => undefined)
    if (now === undefined || !sameVersion(versionOf(now), version)) throw new Changed(path)
    await completeOrFind(place, begun, line, journal)
  } catch (error) {
    if (error instanceof Changed) {
      await giveUp(place, begun, line)
      await journal.note(source, undefined)
    }
    throw error
  }
  await journal.note(source, { version })
}

async function completeOrFind(place: Place, begun: Begun, line: Line, journal: Journal): Promise<void> {
  const { source } = place
  await journal.note(source, { ...begun, completing: true })
  const tags = begun.pieces.filter(tag => tag !== null)
  try {
    await complete(place, begun.upload, tags, line)
  } catch (error) {
    // It was asked for before, and the answer was lost: there is something now where nothing was, and it is this.
    const again = begun.completing === true || (error instanceof NotTaken && error.tries > 1)
    if (!(isConflict(error) && again && begun.fresh && (await isThere(place, line)))) throw error
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof NotTaken && error.status === 409
}

function sizeOf({ version, pieceSize }: Begun, number: number): number {
  return Math.min(pieceSize, version.size - number * pieceSize)
}

/** How many bytes of an upload are stored. */
function storedOf(begun: Begun): number {
  return begun.pieces.reduce((sum, tag, number) => sum + (tag === null ? 0 : sizeOf(begun, number)), 0)
}
