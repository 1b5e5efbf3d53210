import { hexOf } from '../../base/hex.ts'
import { DigestMismatch } from '../../recordings/recording-store.ts'

/**
 * All bytes of a body.
 *
 * @throws Error where there are more or fewer than announced; DigestMismatch where they are others
 */
export async function bytesOf(
  body: AsyncIterable<Uint8Array> | null,
  { size, sha256 }: { readonly size: number; readonly sha256?: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for await (const chunk of body ?? []) chunks.push(new Uint8Array(chunk))
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer())
  if (bytes.length !== size) throw new Error(`${bytes.length} bytes came, ${size} were announced`)
  if (sha256 !== undefined && sha256 !== (await sha256Of(bytes))) throw new DigestMismatch()
  return bytes
}

/** SHA-256, hexadecimal. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
