import { hexOf } from '../base/bytes.ts'
import type { LedgerEntry, ReadEntry } from '../ledger/ledger.ts'
import { type FoundEvent, parseEvent } from '../ledger/query/terms.ts'

// A segment is lines of NDJSON in gzip (RFC 1952), each ended by a line feed. Line n is the record whose index is n above
// that of the first: its canonical JSON, byte for byte.

/**
 * Writes an entry as a line: its JSON. An entry whose JSON is no object with its id, or has a line feed, is a JSON list of
 * the two as strings. The gate makes none, and one must not keep the others out of the archive.
 *
 * @param event the JSON, parsed
 */
export function lineOf({ id, json }: LedgerEntry, event: FoundEvent = parseEvent(json)): string {
  const isPlain = json.startsWith('{') && !json.includes('\n') && event.id === id
  return isPlain ? json : JSON.stringify([id, json])
}

/** Reads a line as the entry with an index. */
export function entryOf(line: string, index: number): ReadEntry {
  if (line.startsWith('{')) return { id: `${parseEvent(line).id}`, json: line, index }
  const [id, json] = JSON.parse(line) as [string, string]
  return { id, json, index }
}

/** Returns the JSON of the record in a line. */
export const jsonOf = (line: string): string => (line.startsWith('{') ? line : entryOf(line, 0).json)

/** Compresses lines into the bytes of a segment. */
export function packLines(lines: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  return through(new CompressionStream('gzip'), utf8(lines.map(line => `${line}\n`).join('')))
}

/** Returns the lines of a segment. Rejects if it is not whole. */
export async function unpackLines(bytes: Uint8Array<ArrayBuffer>): Promise<readonly string[]> {
  const plain = await through(new DecompressionStream('gzip'), bytes)
  return new TextDecoder('utf-8', { ignoreBOM: true, fatal: false }).decode(plain).split('\n').slice(0, -1)
}

/** Returns the bytes of a string. An encoder always allocates an `ArrayBuffer`. */
export const utf8 = (value: string): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(value) as Uint8Array<ArrayBuffer>

/** Returns the SHA-256 of bytes, in hexadecimal. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

async function through(
  transform: CompressionStream | DecompressionStream,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform)
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
