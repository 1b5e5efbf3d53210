import { hexOf } from '../../../base/bytes.ts'
import { DigestMismatch } from '../../../recordings/recording-store.ts'
import type { AnnouncedBytes } from '../../../recordings/uploads.ts'
import { R2Failure } from './r2-failure.ts'

// R2 takes a stream only if its length is known, and the runtime learns the length from a `FixedLengthStream`.

/** A global of Workers: a stream whose length the runtime knows. */
declare const FixedLengthStream: new (size: number) => TransformStream<Uint8Array, Uint8Array>
/** The part of `crypto` that only Workers have. */
interface Digesting {
  readonly DigestStream: new (
    algorithm: 'SHA-256',
  ) => WritableStream<Uint8Array> & { readonly digest: Promise<ArrayBuffer> }
}

type Body = AsyncIterable<Uint8Array> | null
type Send<Answer> = (bytes: ReadableStream<Uint8Array>) => Promise<Answer>

/**
 * Sends a body as a stream of known length. It holds back the last bytes until it knows that they are the last and that
 * the digest matches: R2 gets the whole only if it is as announced.
 *
 * @param announced without `sha256` if R2 itself checks the digest
 * @param send passes the stream to R2. Resolves to null if R2 refused it and stopped reading
 * @throws R2Failure; DigestMismatch; or what the body failed with
 */
export async function sendAll<Answer>(
  body: Body,
  announced: AnnouncedBytes,
  send: Send<Answer>,
): Promise<Answer> {
  const sized = new FixedLengthStream(announced.size)
  const answer = send(sized.readable)
  let fault: unknown
  const failed = (error: unknown) => {
    fault = error
  }
  const unlessRefused = async (error: unknown) => {
    if ((await answer) !== null) throw error
  }
  const poured = pour(exactly(body, announced, failed), sized.writable)
  try {
    return (await Promise.all([answer, poured.catch(unlessRefused)]))[0]
  } catch (error) {
    // If the body breaks off, R2's own error may come first.
    throw fault ?? new R2Failure(error)
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

/** @param failed gets the error of the body before the reader does */
async function* exactly(
  body: Body,
  { size, sha256 }: AnnouncedBytes,
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
