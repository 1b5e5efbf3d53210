import type { Binding } from './recording.ts'

/**
 * Reads the binding that a stored object is stamped with from its metadata. Leaves out empty strings: an empty owner
 * must not equal another empty owner.
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

/** Returns the metadata that stamps a stored object with its binding. The names are the same in every store. */
export function metadataOf({ owner, issuer, tenant, consultation }: Binding): Record<string, string> {
  return {
    ...(owner !== undefined && { 'mw-owner': owner }),
    ...(issuer !== undefined && { 'mw-issuer': issuer }),
    ...(tenant !== undefined && { 'mw-tenant': tenant }),
    ...(consultation !== undefined && { 'mw-consultation': consultation }),
  }
}
