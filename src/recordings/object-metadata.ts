import { present } from '../base/present.ts'
import type { Ownership } from './recording.ts'

/**
 * Reads whose a stored object is from its metadata. Leaves out empty strings: an empty owner
 * must not equal another empty owner.
 */
export function ownershipOf(metadata: Readonly<Record<string, string | undefined>> = {}): Ownership {
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

/** Returns the metadata that stamps a stored object with its owner. The names are the same in every store. */
export function metadataOf({ owner, issuer, tenant, consultation }: Ownership): Record<string, string> {
  return present({
    'mw-owner': owner,
    'mw-issuer': issuer,
    'mw-tenant': tenant,
    'mw-consultation': consultation,
  })
}
