import { hexOf } from '../../base/hex.ts'
import { DigestMismatch } from '../../recordings/recording-store.ts'

// R2 takes a stream only where its length is known. A stream of known length is where the runtime learns it.

/** A global of Workers: a stream whose length the runtime knows. */
declare const FixedLengthStream: new (size: number) => TransformStream<Uint8Array, Uint8Array>
/** What Workers' `crypto` has beyond the standard's. */
interface Digesting {
  readonly DigestStream: new (
    algorithm: 'SHA-256',
  ) => WritableStream<Uint8Array> & { readonly digest: Promise<ArrayBuffer> }
}

type Body = AsyncIterable<Uint8Array> | null
type Send<Answer> = (bytes: ReadableStream<Uint8Array>) => Promise<Answer>

/** What is sent to R2. */
export interface Sent {
  /** Exactly so many bytes will come. */
  readonly size: number
  /** SHA-256 that they must have, hexadecimal, where R2 itself can't be told which. */
  readonly sha256?: string | undefined
}

/**
 * Hands a body on as one of known length. The last bytes are held back until it is known that they are the last, and the
 * right ones: R2 gets the whole only where it is as announced.
 *
 * @param send what R2 does with it. Null: it didn't want it, and stopped reading
 * @throws DigestMismatch, or what the body failed with
 */
export async function sendAll<Answer>(body: Body, sent: Sent, send: Send<Answer>): Promise<Answer> {
  const sized = new FixedLengthStream(sent.size)
  const answer = send(sized.readable)
  let fault: unknown
  const failed = (error: unknown) => {
    fault = error
  }
  const ignored = async (error: unknown) => {
    if ((await answer) !== null) throw error
  }
  const poured = pour(exactly(body, sent, failed), sized.writable)
  try {
    return (await Promise.all([answer, poured.catch(ignored)]))[0]
  } catch (error) {
    // What R2 says of a body that breaks off, it may say first.
    throw fault ?? error
  }
}

async function pour(bytes: AsyncIterable<Uint8Array>, to: WritableStream<Uint8Array>): Promise<void> {
  const writer = to.getWriter()
  try {
    for await (const chunk of bytes) await writer.write(chunk)
    await writer.close()
  } catch (error) {
    writer.abort(error).catch(() => {})
    throw error
  }
}

/** @param failed is given what the body fails with, before its reader is */
async function* exactly(
  body: Body,
  { size, sha256 }: Sent,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const digest = sha256 === undefined ? undefined : digester()
  let left = size
  let last: Uint8Array | undefined
  try {
    for await (const chunk of body ?? []) {
      left -= chunk.length
      if (left < 0) throw new Error(`more than the ${size} bytes came that were announced`)
      await digest?.update(chunk)
      if (left > 0) yield chunk
      else last ??= chunk
    }
    if (left > 0) throw new Error(`${left} of ${size} bytes did not come`)
    if (sha256 !== (await digest?.hex())) throw new DigestMismatch()
  } catch (error) {
    failed(error)
    throw error
  }
  if (last !== undefined) yield last
}

function digester() {
  const { DigestStream } = crypto as unknown as Digesting
  const stream = new DigestStream('SHA-256')
  const writer = stream.getWriter()
  return {
    update: (chunk: Uint8Array) => writer.write(chunk),
    hex: async () => {
      await writer.close()
      return hexOf(new Uint8Array(await stream.digest))
    },
  }
}
