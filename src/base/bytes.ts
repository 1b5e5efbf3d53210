/** Writes bytes as hexadecimal digits in lower case. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
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

/** Copies a string. V8 keeps a whole URL or header in memory for as long as a substring of it is in use. */
export function detached(substring: string): string {
  return ` ${substring}`.slice(1)
}
