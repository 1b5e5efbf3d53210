import { type FoundEvent, type Term, termsOf } from '../sqlite/event-terms.ts'

/** An entry of an index of PostgreSQL holds 2,704 bytes at most, and a character may be four. */
const MAX_LENGTH = 200

/** Returns all that a record is found by, as PostgreSQL can store it. */
export function storedTerms(event: FoundEvent): readonly Term[] {
  return termsOf(event).map(([field, value]) => [field, storedValue(value)])
}

/**
 * Returns what is stored of a value, and looked for: without what PostgreSQL can't store, and cut. Values that become the
 * same lead to each other's records; the record's JSON decides which of them matches.
 */
export function storedValue(value: string): string {
  return value.slice(0, MAX_LENGTH).replaceAll('\0', '').toWellFormed()
}
