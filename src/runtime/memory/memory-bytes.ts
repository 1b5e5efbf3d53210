import { hexOf } from '../../base/bytes.ts'
import { DigestMismatch } from '../../recordings/recording-store.ts'
import type { AnnouncedBytes } from '../../recordings/uploads.ts'

/**
 * Reads a whole body, and stops at the first chunk beyond its announced size.
 *
 * @throws Error if it has more or fewer bytes than announced, DigestMismatch if it has another digest
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | null,
  { size, sha256 }: AnnouncedBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > size) throw new Error(`more than the ${size} bytes came that were announced`)
    chunks.push(new Uint8Array(chunk))
  }
  if (length !== size) throw new Error(`${length} bytes came, ${size} were announced`)
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer())
  if (sha256 !== undefined && sha256 !== (await sha256Of(bytes))) throw new DigestMismatch()
  return bytes
}

/** Returns the SHA-256 of bytes, hexadecimal. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
