import { member, parseJson } from '../json.ts'
import { isPieceSize, isStoreName } from './gate-part.ts'
import type { FileVersion } from './source-file.ts'

// The format of a journal on disk. It outlives the version that wrote it, so it never changes for an interrupted run.
// Any program may have written to the file, so each member is checked.

/** The part of a recording that a file becomes; null if the file is the whole recording. */
export type PartKey = string | null

/** What is known of a file. */
export type JournalEntry = StoredEntry | StartedEntry

/** The file is stored. */
export interface StoredEntry {
  readonly state: 'stored'
  readonly version: FileVersion
  /** SHA-256 of the file in base64, if it was sent whole. */
  readonly sha256?: string
}

/** An upload of the file in pieces was started. */
export interface StartedEntry {
  readonly state: 'started'
  readonly version: FileVersion
  /** The name that the gate gave the upload. */
  readonly upload: string
  /** The size of every piece but the last, in bytes. */
  readonly pieceSize: number
  /** The names that the store gave the pieces, by number; null if a piece is missing. */
  readonly pieces: readonly (string | null)[]
  /** Whether nothing was stored as this part when the upload started. */
  readonly fresh: boolean
  /** Set if the gate was asked to complete the upload: it may have done so, even if no answer arrived. */
  readonly completing?: true
}

/** Serializes what is known of one file. */
export function serializeEntry(part: PartKey, { state: _, ...entry }: JournalEntry): string {
  return JSON.stringify([part, entry])
}

/** Serializes a journal. */
export function serializeJournal(entries: Iterable<string>): string {
  return `{"journal":1,"files":[\n${[...entries].join(',\n')}\n]}\n`
}

/**
 * Parses a journal.
 *
 * @returns undefined if it is damaged
 */
export function parseJournal(json: string): Map<PartKey, JournalEntry> | undefined {
  const journal = parseJson(json)
  const files = member(journal, 'files')
  if (member(journal, 'journal') !== 1 || !Array.isArray(files)) return undefined
  const entries = new Map<PartKey, JournalEntry>()
  for (const file of files as readonly unknown[]) {
    if (!Array.isArray(file) || file.length !== 2) return undefined
    const [part, value] = file as readonly unknown[]
    const entry = parseEntry(value)
    if ((part !== null && typeof part !== 'string') || entry === undefined) return undefined
    entries.set(part, entry)
  }
  return entries
}

function parseEntry(value: unknown): JournalEntry | undefined {
  const version = parseVersion(member(value, 'version'))
  if (version === undefined) return undefined
  const upload = member(value, 'upload')
  if (upload !== undefined) return parseStartedEntry(value, version, upload)
  const sha256 = member(value, 'sha256')
  if (sha256 === undefined) return { state: 'stored', version }
  return typeof sha256 === 'string' ? { state: 'stored', version, sha256 } : undefined
}

function parseStartedEntry(value: unknown, version: FileVersion, upload: unknown): StartedEntry | undefined {
  const pieceSize = member(value, 'pieceSize')
  const pieces = member(value, 'pieces')
  const fresh = member(value, 'fresh')
  const completing = member(value, 'completing')
  if (!isStoreName(upload) || !isPieceSize(pieceSize) || typeof fresh !== 'boolean') return undefined
  if (!Array.isArray(pieces) || !pieces.every(name => name === null || isStoreName(name))) return undefined
  if (completing !== undefined && completing !== true) return undefined
  return { state: 'started', version, upload, pieceSize, pieces, fresh, ...(completing && { completing }) }
}

function parseVersion(value: unknown): FileVersion | undefined {
  const [size, modified, changed] = ['size', 'modified', 'changed'].map(name => member(value, name))
  return isFiniteNumber(size) && isFiniteNumber(modified) && isFiniteNumber(changed)
    ? { size, modified, changed }
    : undefined
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}
