import { type Exchange, get } from './client.ts'
import type { Contender, Scenario } from './scenarios.ts'
import type { BenchObject, BenchWorker } from './workers.ts'

/** The secret of the gates that have tickets. */
export const TICKET_KEY = 'only for the bench: no ticket of it opens anything'
/** Tickets need one. The bench takes the path of a ticket's URL alone. */
export const PUBLIC_URL = 'https://bench.test'

const MEBIBYTE = 2 ** 20
const ROOT = '/recordings/visit'
const PLAYLIST = 'index.m3u8'
/** Segments of a recording: an hour of six seconds each. */
const SEGMENTS = 600
/** So many of them are fetched in one turn. */
const TURN = 60

const segment = (number: number): string => `segment-${number}.ts`

/** What a recording for HLS consists of. */
export function hlsObjects(owner: string): readonly BenchObject[] {
  const names = Array.from({ length: SEGMENTS }, (_, number) => `#EXTINF:6,\n${segment(number)}\n`)
  const text = `#EXTM3U\n#EXT-X-TARGETDURATION:6\n${names.join('')}#EXT-X-ENDLIST\n`
  const playlist = { path: `${ROOT}/${PLAYLIST}`, size: text.length, owner, text }
  const segments = Array.from({ length: SEGMENTS }, (_, number) => hlsSegment(owner, number))
  return [playlist, ...segments]
}

/** One segment of it, of 1 MiB. */
export function hlsSegment(owner: string, number: number = 0): BenchObject {
  return { path: `${ROOT}/${segment(number)}`, size: MEBIBYTE, owner }
}

/** A gate, and how its recording is asked for: where it is, and with which headers. */
export interface Seat {
  readonly name: string
  readonly worker: BenchWorker
  readonly root: string
  readonly headers: Readonly<Record<string, string>>
}

/** A player that sends its bearer token with every request. */
export function withBearer(name: string, worker: BenchWorker, token: string): Seat {
  return { name, worker, root: ROOT, headers: { Authorization: `Bearer ${token}` } }
}

/** A player that was given a URL with a ticket, and knows of no token. Throws where the gate issues none. */
export async function withTicket(name: string, worker: BenchWorker, token: string): Promise<Seat> {
  const response = await fetch(`http://127.0.0.1:${worker.port}${ROOT}/ticket`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  })
  if (response.status !== 201) throw new Error(`${worker.name} issued no ticket: ${response.status}`)
  const { url } = (await response.json()) as { url: string }
  return { name, worker, root: new URL(url).pathname, headers: {} }
}

/**
 * A whole recording as players fetch it, segment by segment, so many at once. A turn is the playlist and a tenth of
 * the segments; a round is all of them, for each seat.
 */
export function throughout(
  name: string,
  connections: number,
  rounds: number,
  seats: readonly Seat[],
): Scenario {
  const contenders = seats.map(seat => ({ ...seat, exchange: player(seat) }))
  const requests = TURN + 1
  const turns = SEGMENTS / TURN
  return { name, bytes: MEBIBYTE, connections, warmUp: requests * turns, rounds, turns, requests, contenders }
}

/** One segment again and again: what a request costs where everything is warm. */
export function again(name: string, rounds: number, seats: readonly Seat[]): Scenario {
  const contenders = seats.map(({ name, worker, root, headers }): Contender => {
    const one: Exchange = { request: get(`${root}/${segment(0)}`, headers), status: 200, length: MEBIBYTE }
    return { name, worker, exchange: () => one }
  })
  return { name, bytes: MEBIBYTE, connections: 4, warmUp: 200, rounds, turns: 10, requests: TURN, contenders }
}

/** Makes the requests of a player, one after the other; at the end of the recording it begins anew. */
function player({ root, headers }: Seat): () => Exchange {
  const playlist: Exchange = { request: get(`${root}/${PLAYLIST}`, headers), status: 200 }
  const segments = Array.from({ length: SEGMENTS }, (_, number): Exchange => {
    return { request: get(`${root}/${segment(number)}`, headers), status: 200, length: MEBIBYTE }
  })
  let [asked, fetched] = [0, 0]
  return () => (asked++ % (TURN + 1) === 0 ? playlist : (segments[fetched++ % SEGMENTS] ?? playlist))
}
