/**
 * The content codings that a Content-Encoding names, in lower case (RFC 9110 8.4). `identity` is none (8.4.1), and so is
 * an empty header.
 */
export function contentCodings(header: string | null | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map(coding => coding.trim().toLowerCase())
    .filter(coding => coding !== '' && coding !== 'identity')
}

/**
 * The content coding that a stored object has by its metadata. `aws-chunked` is none: it frames an upload on its way,
 * and stores keep the word although they keep no frames.
 *
 * @returns as `StoredPart.encoding`: undefined for none
 */
export function storedEncoding(header: string | null | undefined): string | undefined {
  return (
    contentCodings(header)
      .filter(coding => coding !== 'aws-chunked')
      .join(', ') || undefined
  )
}
