/**
 * Returns the content codings that a Content-Encoding names, in lower case (RFC 9110 8.4). `identity` is not a coding
 * (8.4.1), and an empty header names none.
 */
export function contentCodings(header: string | null | undefined): readonly string[] {
  return (header ?? '')
    .split(',')
    .map(coding => coding.trim().toLowerCase())
    .filter(coding => coding !== '' && coding !== 'identity')
}

/**
 * Returns the content coding of a stored object by its metadata. `aws-chunked` is ignored: it frames an upload in transit,
 * and stores keep the name although they remove the frames.
 *
 * @returns undefined for none, as in `StoredPart.encoding`
 */
export function storedEncoding(header: string | null | undefined): string | undefined {
  return (
    contentCodings(header)
      .filter(coding => coding !== 'aws-chunked')
      .join(', ') || undefined
  )
}
