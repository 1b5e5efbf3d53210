import { DigestMismatch } from '../../deliver/recording-store.ts'
import { hexOf } from '../../hex.ts'

// R2 takes a stream only where its length is known. A stream of known length is where the runtime learns it.

/** A global of Workers: a stream whose length the runtime knows. */
declare const FixedLengthStream: new (size: number) => TransformStream<Uint8Array, Uint8Array>
/** Another: bytes come out as they go in, natively. */
declare const IdentityTransformStream: new () => TransformStream<Uint8Array, Uint8Array>
/** What Workers' `crypto` has beyond the standard's. */
interface Digesting {
  readonly DigestStream: new (
    algorithm: 'SHA-256',
  ) => WritableStream<Uint8Array> & { readonly digest: Promise<ArrayBuffer> }
}
/** What Workers' reader of bytes has beyond the standard's: fewer than asked for come only at the end. */
interface ReaderOfMany {
  readAtLeast(least: number, into: Uint8Array): Promise<{ value: Uint8Array; done: boolean }>
  cancel(): Promise<void>
}

type Body = ReadableStream<Uint8Array> | null
type Send<Answer> = (bytes: ReadableStream<Uint8Array>) => Promise<Answer>

/** Bytes that are looked at at once: few turns, and little memory for each upload. */
const CHUNK = 256 * 1024

/**
 * Hands a body on as exactly `size` bytes, natively: no byte of it passes through here.
 *
 * @param send what R2 does with it. Null: it didn't want it, and stopped reading
 */
export async function sendAll<Answer>(body: Body, size: number, send: Send<Answer>): Promise<Answer> {
  const sized = new FixedLengthStream(size)
  const sent = body === null ? sized.writable.close() : body.pipeTo(sized.writable)
  const answer = send(sized.readable)
  const ignored = async (error: unknown) => {
    if ((await answer) !== null) throw error
  }
  const [, answered] = await Promise.all([sent.catch(ignored), answer])
  return answered
}

/**
 * The same for a body that must have a digest, where R2 can't be told which. The last bytes are held back until it is
 * known, so that R2 gets the whole only where it is the right one.
 *
 * @throws DigestMismatch where it isn't
 */
export async function sendChecked<Answer>(
  body: Body,
  size: number,
  sha256: string,
  send: Send<Answer>,
): Promise<Answer> {
  const sized = new FixedLengthStream(size)
  const answer = send(sized.readable)
  let mismatch: unknown
  const sent = copy(body, sized.writable, sha256, error => {
    mismatch = error
  })
  try {
    return (await Promise.all([answer, sent]))[0]
  } catch (error) {
    // What R2 says of a body that breaks off, it may say first.
    throw mismatch ?? error
  }
}

async function copy(
  body: Body,
  to: WritableStream<Uint8Array>,
  sha256: string,
  isWrong: (error: DigestMismatch) => void,
): Promise<void> {
  const writer = to.getWriter()
  try {
    const { DigestStream } = crypto as unknown as Digesting
    const digest = new DigestStream('SHA-256')
    const digesting = digest.getWriter()
    let held: Uint8Array | undefined
    for await (const chunk of chunksOf(body)) {
      await digesting.write(chunk)
      if (held !== undefined) await writer.write(held)
      held = chunk
    }
    await digesting.close()
    if (hexOf(new Uint8Array(await digest.digest)) !== sha256) {
      const error = new DigestMismatch()
      isWrong(error)
      throw error
    }
    if (held !== undefined) await writer.write(held)
    await writer.close()
  } catch (error) {
    writer.abort(error).catch(() => {})
    throw error
  }
}

/** Large chunks of a body: the runtime's own are of 4 KiB, and each costs a turn. */
async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const bytes = new IdentityTransformStream()
  const piped = body.pipeTo(bytes.writable)
  // Told by reading, too.
  piped.catch(() => {})
  const reader = bytes.readable.getReader({ mode: 'byob' }) as unknown as ReaderOfMany
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(CHUNK, new Uint8Array(CHUNK))
      if (done) break
      yield value
    }
    await piped
  } finally {
    await reader.cancel().catch(() => {})
  }
}
