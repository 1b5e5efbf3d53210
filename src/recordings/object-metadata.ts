import type { Binding } from './recording.ts'

/**
 * The binding that a stored object is stamped with, from its metadata. An empty text is no owner: it is left out, so
 * that it can't equal another empty text.
 */
export function bindingOf(metadata: Readonly<Record<string, string | undefined>> = {}): Binding {
  const owner = metadata['mw-owner']
  const issuer = metadata['mw-issuer']
  const tenant = metadata['mw-tenant']
  const consultation = metadata['mw-consultation']
  return {
    ...(owner && { owner }),
    ...(issuer && { issuer }),
    ...(tenant && { tenant }),
    ...(consultation && { consultation }),
  }
}

/** The metadata to stamp a stored object with: the same names in every store. */
export function metadataOf({ owner, issuer, tenant, consultation }: Binding): Record<string, string> {
  return {
    ...(owner !== undefined && { 'mw-owner': owner }),
    ...(issuer !== undefined && { 'mw-issuer': issuer }),
    ...(tenant !== undefined && { 'mw-tenant': tenant }),
    ...(consultation !== undefined && { 'mw-consultation': consultation }),
  }
}
