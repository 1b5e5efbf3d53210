/** Writes bytes as hexadecimal digits in lower case. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Decodes base64 of either alphabet, padded or not.
 *
 * @throws DOMException for any other string
 */
export function decodeBase64(value: string): Uint8Array<ArrayBuffer> {
  const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, character => character.charCodeAt(0))
}

/**
 * Copies chunks into one array.
 *
 * @param size the length of all chunks together, in bytes
 */
export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.length
  }
  return bytes
}

/**
 * Reads chunks until their end or until they exceed the limit. A result longer than `most` means that there may be more.
 * Stopping cancels the source.
 */
export async function readUpTo(
  most: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const read: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    read.push(chunk)
    size += chunk.length
    if (size > most) break
  }
  return joined(read, size)
}

/** Reads the body of a response as `readUpTo` does, so that no server can fill the memory of the gate. */
export function readBody(most: number, { body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  return readUpTo(most, body ?? new Blob([]).stream())
}

/** Returns the SHA-256 of a string. */
export async function sha256(string: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(string)))
}

/** Copies a string. V8 keeps a whole URL or header in memory for as long as a substring of it is in use. */
export function detached(substring: string): string {
  return ` ${substring}`.slice(1)
}
