/** A body that can't be read: what is wrong with it, and how to mend it. */
export interface Unreadable {
  readonly unreadable: string
}

/**
 * Reads JSON, not more of it than a call may have. `JSON.parse` of V8 doesn't recurse, so that no depth of nesting
 * overflows a stack.
 *
 * @param most bytes that the body may have
 */
export async function readJson(
  request: Request,
  most: number,
): Promise<{ readonly json: unknown } | Unreadable> {
  // A page of another origin can send any text unasked, but not as this type: that takes a preflight.
  if (!/^application\/json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return { unreadable: 'Content-Type must be application/json' }
  }
  const bytes = await bytesOf(request.body, most)
  if (bytes === undefined) return { unreadable: `The body must be at most ${most} bytes long` }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
    return { json: JSON.parse(text) as unknown }
  } catch {
    return { unreadable: 'The body must be JSON, in UTF-8' }
  }
}

/** What Content-Length says may be missing: what comes is counted. */
async function bytesOf(body: Request['body'], most: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (body !== null) {
    for await (const chunk of body) {
      size += chunk.length
      // Leaving the loop cancels the body.
      if (size > most) return undefined
      chunks.push(chunk)
    }
  }
  const bytes = new Uint8Array(size)
  let end = 0
  for (const chunk of chunks) {
    bytes.set(chunk, end)
    end += chunk.length
  }
  return bytes
}
