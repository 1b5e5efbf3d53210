import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open } from 'node:fs/promises'

// Files are read twice, for their digest and to be sent, and never held: what was announced is what is sent.

/** One state of a file. The time of its last change of any kind can't be set back, unlike that of its content. */
export interface Version {
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
  /** Milliseconds since 1970. */
  readonly changed: number
}

export function versionOf({ size, mtimeMs, ctimeMs }: Stats): Version {
  return { size, modified: mtimeMs, changed: ctimeMs }
}

export function sameVersion(a: Version, b: Version): boolean {
  return a.size === b.size && a.modified === b.modified && a.changed === b.changed
}

/** Bytes of a file, in one version of it. */
export interface Stretch {
  readonly path: string
  readonly version: Version
  /** Where it begins, in bytes. */
  readonly first: number
  readonly size: number
}

/** A file is no longer what it was when it was looked at. */
export class Changed extends Error {
  override readonly name = 'Changed'
  constructor(path: string) {
    super(
      `${path} changed while it was read: wait until nothing writes to it, and run the same command again`,
    )
  }
}

/**
 * Reads a stretch in chunks. The last chunk comes only after all were proven to be of the version that was looked at:
 * whoever sends them breaks off before the end otherwise, and nothing is stored.
 *
 * @param expected the SHA-256 of the stretch, base64, where it must have one
 * @throws Changed
 */
export async function* bytesOf(stretch: Stretch, expected?: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { path, version, first, size } = stretch
  const file = await open(path).catch(() => {
    throw new Changed(path)
  })
  try {
    const hash = expected === undefined ? undefined : createHash('sha256')
    let held: Buffer<ArrayBuffer> | undefined
    let read = 0
    // `end` is inclusive: an empty stretch has none.
    const range = { start: first, end: first + size - 1, autoClose: false, highWaterMark: 128 * 1024 }
    for await (const chunk of size === 0 ? [] : file.createReadStream(range)) {
      if (held !== undefined) yield held
      held = chunk as Buffer<ArrayBuffer>
      hash?.update(held)
      read += held.length
    }
    const same = sameVersion(versionOf(await file.stat()), version)
    if (!same || read !== size || hash?.digest('base64') !== expected) throw new Changed(path)
    if (held !== undefined) yield held
  } finally {
    await file.close()
  }
}

/** The SHA-256 of a stretch, base64. */
export async function digestOf(stretch: Stretch): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytesOf(stretch)) hash.update(chunk)
  return hash.digest('base64')
}
