import { joined, readUpTo } from '../base/bytes.ts'
import { contextOf } from '../playlist/context.ts'
import { hasNoEnding, kindAt, kindOfStart, START } from '../playlist/kind.ts'
import { MAX_PLAYLIST, rewriteBytes, tooLong, whatIsWrong } from '../playlist/playlist.ts'
import { Refusal } from '../refusal.ts'
import { type Deposit, invalidUpload } from './deposit.ts'

type Body = AsyncIterable<Uint8Array>

/** The first bytes of a body, if they were asked for. */
interface Peeked {
  readonly start?: Uint8Array
  /** The same bytes as of the body that was looked at, from the first one on. To be read once. */
  readonly body: Body
  /** Gives up what is not read yet. */
  readonly discard: () => Promise<unknown>
}

/**
 * Checks a playlist as it would be checked when it is played, so that its recorder hears of what is wrong with it. Media
 * go on unread: only what is a playlist by its type or name is held, and of what has neither the first bytes.
 *
 * @param size as Content-Length says
 * @returns the body to store: the same bytes
 */
export async function checkPlaylist(
  body: Body,
  size: number,
  contentType: string,
  { ref, services }: Deposit,
): Promise<{ readonly body: Body } | Refusal> {
  const declared = size === 0 ? undefined : kindAt(ref, contentType)
  if (declared === undefined) return { body }
  const source = declared === 'undeclared' ? await peek(body) : unseen(body)
  const kind = declared === 'undeclared' ? source.start && kindOfStart(source.start) : declared
  if (kind === undefined) return source
  if (size > MAX_PLAYLIST[kind]) {
    await source.discard()
    return new Refusal('playlist_invalid', tooLong(kind))
  }
  const bytes = await readUpTo(size, source.body)
  // What didn't come whole is refused by the store, which counts.
  if (bytes.length !== size) return { body: bodyOf(bytes) }
  const context = contextOf(ref, services.locations, services.publicUrl)
  const outcome = rewriteBytes(bytes, kind, context)
  return outcome instanceof Refusal
    ? new Refusal(outcome.reason, whatIsWrong(outcome), outcome.position)
    : { body: bodyOf(bytes) }
}

/**
 * Refuses a part that is to come in pieces if it is a playlist: it fits one request, in which it can be checked.
 *
 * @param start how it begins, if that came already
 */
export function refuseInPieces(
  { ref }: Deposit,
  contentType: string | undefined,
  start?: Uint8Array,
): Refusal | undefined {
  const declared = kindAt(ref, contentType)
  const kind = declared === 'undeclared' ? start && kindOfStart(start) : declared
  return kind && invalidUpload('A playlist is stored whole: send it by one PUT, without an upload')
}

/** Reads the first bytes of a part whose name has no ending out of its first piece. Returns them with the whole piece. */
export async function peekUnnamed(isFirst: boolean, body: Body, { ref }: Deposit): Promise<Peeked> {
  const isUnnamed = ref.part !== undefined && hasNoEnding(ref.part)
  return isFirst && isUnnamed ? peek(body) : unseen(body)
}

const unseen = (body: Body): Peeked => ({ body, discard: async () => {} })

async function peek(body: Body): Promise<Peeked> {
  const rest = body[Symbol.asyncIterator]()
  const seen: Uint8Array[] = []
  let size = 0
  while (size < START) {
    const { done, value } = await rest.next()
    if (done) break
    seen.push(value)
    size += value.length
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* seen
    yield* { [Symbol.asyncIterator]: () => rest }
  }
  return {
    start: joined(seen, size).subarray(0, START),
    body: whole(),
    discard: async () => rest.return?.(),
  }
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
