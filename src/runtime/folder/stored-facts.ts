import { StorageFault } from '../../base/storage-fault.ts'
import { bindingOf, metadataOf } from '../../recordings/object-metadata.ts'
import type { StoredPart } from '../../recordings/recording-store.ts'

/** What the folder store writes beside the bytes of an object. */
export interface StoredFacts extends StoredPart {
  /** The key it was stored under: on disks that take `A` and `a` for one name, another key finds it and is told apart. */
  readonly key: string
  /** Names the file of the bytes: 32 hexadecimal digits. */
  readonly version: string
}

/** The facts as they are written: JSON that a person can read. */
export function writeFacts({ binding, ...facts }: StoredFacts): string {
  return `${JSON.stringify({ ...facts, metadata: metadataOf(binding) }, null, 1)}\n`
}

/**
 * Reads facts.
 *
 * @throws StorageFault where the text is not what {@link writeFacts} makes
 */
export function readFacts(text: string): StoredFacts {
  const { key, version, size, etag, modified, contentType, metadata } = parseObject(text)
  if (
    typeof key === 'string' &&
    typeof version === 'string' &&
    /^[0-9a-f]{32}$/.test(version) &&
    isCount(size) &&
    typeof etag === 'string' &&
    /^"[\x21\x23-\x7e]+"$/.test(etag) &&
    isCount(modified) &&
    isTexts(metadata)
  ) {
    const type = typeof contentType === 'string' ? { contentType } : {}
    return { key, version, size, etag, modified, ...type, binding: bindingOf(metadata) }
  }
  throw new StorageFault('the facts beside a recording are damaged: store it again, or restore its files')
}

/** The members of a JSON object; none where the text is no such. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Whether it can be a number of bytes, or a time. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

/** Whether it can be an object's metadata. */
export const isTexts = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null && Object.values(value).every(text => typeof text === 'string')
