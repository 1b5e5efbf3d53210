import { NotTaken } from './answer.ts'
import type { Line } from './attempt.ts'
import type { Bytes } from './body.ts'
import type { Journal } from './journal.ts'
import { isBegun } from './journal-text.ts'
import { storeInPieces } from './pieces.ts'
import { giveUp, noGate } from './piecewise.ts'
import { digestOf, sameVersion } from './read.ts'
import { send } from './send.ts'
import type { Place } from './sources.ts'

/** The largest file that is sent in one request, in bytes: proxies and platforms refuse those over 100 MB. */
export const WHOLE: number = 32 * 1024 * 1024

/**
 * Stores a file, unless an earlier run of this upload has.
 *
 * @param pieces how many pieces of it are sent at once
 * @returns whether an earlier run had
 * @throws NotTaken
 * @throws NoAnswer
 * @throws Changed
 */
export async function store(place: Place, line: Line, journal: Journal, pieces: number): Promise<boolean> {
  const { source } = place
  const { path, version } = source
  const known = journal.of(source)
  const same = known !== undefined && sameVersion(known.version, version)
  if (same && !isBegun(known)) {
    line.meter.skip(version.size)
    return true
  }
  // What was begun of another version is of no use to anybody.
  if (isBegun(known) && !same) {
    await giveUp(place, known, line)
    await journal.note(source, undefined)
  }
  if (version.size > WHOLE) {
    await storeInPieces(place, line, journal, pieces)
    return false
  }
  const stretch = { path, version, first: 0, size: version.size }
  const sha256 = await digestOf(stretch)
  const skipped = known !== undefined && !isBegun(known) && known.sha256 === sha256
  if (skipped) line.meter.skip(version.size)
  else await storeWhole(place, { stretch, sha256 }, line)
  await journal.note(source, { version, sha256 })
  return skipped
}

async function storeWhole({ source, url }: Place, bytes: Bytes, line: Line): Promise<void> {
  const headers = { 'Content-Type': source.contentType }
  const letter = { about: source.path, method: 'PUT', url, headers, bytes } as const
  const answer = await send(letter, line).catch((error: unknown) => {
    // The other upload that the gate saw was our own, whose connection broke before it was answered.
    if (error instanceof NotTaken && error.status === 409 && error.tries > 1) return send(letter, line)
    throw error
  })
  if ((answer as { size?: unknown } | null)?.size !== source.version.size) throw noGate({ source, url })
}
