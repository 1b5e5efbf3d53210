import { present } from '../base/present.ts'
import type { Ownership } from './recording.ts'

/** What an object is stamped with: `mw-owner`, `mw-issuer`, `mw-tenant` and `mw-consultation`, the same in every store. */
const STAMPED = ['owner', 'issuer', 'tenant', 'consultation'] as const

/**
 * Reads whose a stored object is from its metadata. Leaves out empty strings: an empty owner
 * must not equal another empty owner.
 */
export function ownershipOf(metadata: Readonly<Record<string, string | undefined>> = {}): Ownership {
  return present(Object.fromEntries(STAMPED.map(name => [name, metadata[`mw-${name}`] || undefined])))
}

/** Returns the metadata that stamps a stored object with its owner. */
export function metadataOf(ownership: Ownership): Record<string, string> {
  return Object.fromEntries(
    STAMPED.flatMap(name => (ownership[name] === undefined ? [] : [[`mw-${name}`, ownership[name]]])),
  )
}
