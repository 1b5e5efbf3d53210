import type { Version } from './read.ts'

// What stands in a journal. It is read as what it is: a file that anything may have written to.

/** The part of a recording that a file becomes; null where it is the recording. */
export type Part = string | null

/** What is known of a file. */
export type Entry = Stored | Begun

/** It is stored. */
export interface Stored {
  readonly version: Version
  /** The SHA-256 of it, base64, where it was sent as a whole. */
  readonly sha256?: string
}

/** Its upload in pieces is begun. */
export interface Begun {
  readonly version: Version
  /** The store's name for the upload. */
  readonly upload: string
  /** The size of all pieces but the last, in bytes. */
  readonly pieceSize: number
  /** The store's tags of the pieces so far, by number; null where one is missing. */
  readonly pieces: readonly (string | null)[]
  /** Whether there was nothing in the place of the part when it was begun. */
  readonly fresh: boolean
  /** It was asked to be completed, and may be. */
  readonly completing?: true
}

export function isBegun(entry: Entry | undefined): entry is Begun {
  return entry !== undefined && 'upload' in entry
}

/** What a store names an upload or a piece by: 1 to 1024 visible ASCII characters. */
export function isStoreText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,1024}$/.test(value)
}

/** What is known of one file, as it stands in a journal. */
export function lineOf(part: Part, entry: Entry): string {
  return JSON.stringify([part, entry])
}

/** A journal of such lines. */
export function journalOf(lines: Iterable<string>): string {
  return `{"journal":1,"files":[\n${[...lines].join(',\n')}\n]}\n`
}

/** @returns undefined where the text is no journal */
export function readEntries(text: string): Map<Part, Entry> | undefined {
  try {
    const { journal, files } = JSON.parse(text) as { journal?: unknown; files?: unknown }
    if (journal !== 1 || !Array.isArray(files) || !files.every(isFile)) return undefined
    return new Map(files)
  } catch {
    return undefined
  }
}

function isFile(value: unknown): value is [Part, Entry] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    (value[0] === null || typeof value[0] === 'string') &&
    isEntry(value[1])
  )
}

function isEntry(value: unknown): value is Entry {
  if (!isObject(value) || !isVersion(value.version)) return false
  if (value.upload === undefined) return value.sha256 === undefined || typeof value.sha256 === 'string'
  return (
    isStoreText(value.upload) &&
    isPieceSize(value.pieceSize) &&
    Array.isArray(value.pieces) &&
    value.pieces.every(piece => piece === null || isStoreText(piece)) &&
    typeof value.fresh === 'boolean' &&
    (value.completing === undefined || value.completing === true)
  )
}

function isVersion(value: unknown): value is Version {
  return isObject(value) && [value.size, value.modified, value.changed].every(Number.isFinite)
}

/** Whether a piece can be so many bytes. */
export function isPieceSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
