import { StorageFault } from '../base/storage-fault.ts'

/** An entry of the manifest: what a segment holds, and how to check it. */
export interface Segment {
  /** Index of the first record. */
  readonly first: number
  /** Index of the last record. */
  readonly last: number
  /** When the earliest of its records was recorded, in milliseconds since 1970. */
  readonly since: number
  /** When the latest of its records was recorded, in milliseconds since 1970. */
  readonly until: number
  /** When the segment was written, in milliseconds since 1970. */
  readonly written: number
  /** Its size, compressed. */
  readonly bytes: number
  /** Of the compressed bytes, in hexadecimal. */
  readonly sha256: string
  /** Which terms its records have: a `TermFilter`, in base64. */
  readonly terms: string
}

const FOLDER = 'archive/'
const SUFFIX = '.json'

// Sixteen digits, so that the order of names is that of indexes.
const numbered = (first: number) => FOLDER + `${first}`.padStart(16, '0')

/** Returns the name of a segment's object. */
export const segmentName = (first: number): string => `${numbered(first)}.ndjson.gz`
/** Returns the name of the object with a segment's entry of the manifest. */
export const manifestName = (first: number): string => numbered(first) + SUFFIX

/** Writes an entry of the manifest as JSON. */
export function manifestOf({ first, last, since, until, written, ...rest }: Segment): string {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString()
  return JSON.stringify({
    ...{ v: 1, object: segmentName(first), first, last, records: last - first + 1 },
    ...{ since: time(since), until: time(until), written: time(written), ...rest },
  })
}

/**
 * Reads an entry of the manifest.
 *
 * @throws StorageFault if it is none
 */
export function parseManifest(json: string): Segment {
  const { v, first, last, since, until, written, bytes, sha256, terms } = membersOf(json)
  const [from, to, at] = [since, until, written].map(time => Date.parse(`${time}`))
  const isGood =
    v === 1 && isCount(first) && isCount(last) && isCount(bytes) && first <= last && isSha256(sha256)
  if (!isGood || typeof terms !== 'string' || !isCount(from) || !isCount(to) || !isCount(at)) {
    throw new StorageFault("an entry of the archive's manifest is not what the gate has written")
  }
  return { first, last, since: from, until: to, written: at, bytes, sha256, terms }
}

function membersOf(json: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(json))
  } catch {
    return {}
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isSha256 = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
