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

// Sixteen digits, so that the order of names is that of indexes.
const numbered = (first: number) => FOLDER + `${first}`.padStart(16, '0')

/** Returns the name of a segment's object. */
export const segmentName = (first: number): string => `${numbered(first)}.ndjson.gz`
/** Returns the name of the object with a segment's entry of the manifest. */
export const manifestName = (first: number): string => `${numbered(first)}.json`

/** Writes an entry of the manifest as JSON. */
export function manifestOf({ first, last, since, until, written, ...rest }: Segment): string {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString()
  return JSON.stringify({
    ...{ v: 1, object: segmentName(first), first, last, records: last - first + 1 },
    ...{ since: time(since), until: time(until), written: time(written), ...rest },
  })
}
