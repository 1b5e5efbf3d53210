import { StorageFault } from '../../base/storage-fault.ts'
import { metadataOf, ownershipOf } from '../../recordings/object-metadata.ts'
import type { StoredPart } from '../../recordings/recording-store.ts'

/** What the folder store writes beside the bytes of an object. */
export interface StoredFacts extends StoredPart {
  /**
   * The key that the object was stored under. A disk that ignores case finds the same file for `A` and `a`; this member
   * distinguishes the two.
   */
  readonly key: string
  /** Names the file of the bytes: 32 hexadecimal digits. */
  readonly version: string
}

/** Returns the facts without what only the folder store needs. */
export function partOf({ key: _key, version: _version, ...part }: StoredFacts): StoredPart {
  return part
}

/** Writes facts as JSON that a person can read. */
export function writeFacts({ ownership, ...facts }: StoredFacts): string {
  return `${JSON.stringify({ ...facts, metadata: metadataOf(ownership) }, null, 1)}\n`
}

/**
 * Reads facts.
 *
 * @throws StorageFault if the JSON is not what {@link writeFacts} writes
 */
export function readFacts(json: string): StoredFacts {
  const { key, version, size, etag, modified, contentType, metadata } = parseObject(json)
  if (
    typeof key === 'string' &&
    typeof version === 'string' &&
    /^[0-9a-f]{32}$/.test(version) &&
    isCount(size) &&
    typeof etag === 'string' &&
    /^"[\x21\x23-\x7e]+"$/.test(etag) &&
    isCount(modified) &&
    isMetadata(metadata)
  ) {
    const type = typeof contentType === 'string' ? { contentType } : {}
    return { key, version, size, etag, modified, ...type, ownership: ownershipOf(metadata) }
  }
  throw new StorageFault('the facts beside a recording are damaged: store it again, or restore its files')
}

/** Returns the members of a JSON object; no members if the string is not a JSON object. */
export function parseObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Whether a value can be a number of bytes, or a time. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** Whether a value can be an object's metadata: strings only. */
export const isMetadata = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every(member => typeof member === 'string')
