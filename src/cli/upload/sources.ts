import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { flawOfPart } from '../../locate/names.ts'
import { say, UsageError } from '../terminal.ts'
import { classify, PLAYLIST_READ_SIZE, playlistProblem, type SourceType } from './playlist-check.ts'
import { type FileVersion, versionOf } from './source-file.ts'

/** A file to store, and the part of the recording that it becomes. */
export interface Source extends SourceType {
  readonly path: string
  /** The name of the part; left out if the file is the whole recording. */
  readonly part?: string
  /** Address of the part. */
  readonly url: URL
  /** The version of the file that was examined. No other version is stored. */
  readonly version: FileVersion
}

/** How many bytes of a file are read to classify it. */
const HEAD_SIZE = 4096
/** The largest object that R2 and S3 store: 5 TiB. */
const MAX_FILE_SIZE = 5 * 1024 ** 4

/**
 * Finds the files to store: one file, or all files of a folder as the parts of one recording. Leaves out hidden
 * files, and whatever a hidden folder contains.
 *
 * @param recording address of the recording
 * @throws UsageError if any of them can't be stored
 */
export async function findSources(path: string, recording: URL): Promise<readonly Source[]> {
  const stats = await stat(path).catch(() => {
    throw new UsageError(`${path} does not exist`, 'name a file or a folder')
  })
  if (stats.isFile()) return [await examine(path, undefined, recording)]
  if (!stats.isDirectory()) throw new UsageError(`${path} is neither a file nor a folder`)
  const sources: Source[] = []
  for (const name of (await readdir(path, { recursive: true })).sort()) {
    const file = join(path, name)
    const segments = name.split(sep)
    const hidden = segments.findIndex(segment => segment.startsWith('.'))
    if (hidden >= 0) {
      // Only for a hidden folder itself: it may contain thousands of files.
      if (hidden === segments.length - 1) say(`${file} is hidden and left out`)
      continue
    }
    // `stat` follows links: the file that a link leads to is stored.
    if (!(await stat(file).catch(throwUnreadable(file))).isFile()) continue
    sources.push(await examine(file, partName(path, file), recording))
  }
  if (sources.length === 0) throw new UsageError(`${path} contains no files`)
  return sources
}

/**
 * Groups sources in the order in which to store them, one group after the other: media, playlists, masters. A player
 * that can read a playlist then finds everything that the playlist names.
 */
export function groupByOrder(sources: readonly Source[]): readonly (readonly Source[])[] {
  return (['media', 'playlist', 'master'] as const)
    .map(kind => sources.filter(source => source.kind === kind))
    .filter(group => group.length > 0)
}

function partName(folder: string, file: string): string {
  const name = relative(folder, file)
  const part = name.split(sep).join('/')
  const flaw = sep !== '\\' && name.includes('\\') ? 'it contains a backslash' : flawOfPart(part)
  if (flaw !== undefined) throw new UsageError(`${file} can't be a part's name: ${flaw}`, 'rename it')
  return part
}

async function examine(path: string, part: string | undefined, recording: URL): Promise<Source> {
  const file = await open(path).catch(throwUnreadable(path))
  try {
    const version = versionOf(await file.stat())
    if (version.size > MAX_FILE_SIZE) {
      throw new UsageError(`${path} is larger than 5 TiB`, 'no store accepts it: split it')
    }
    let type = classify(path, (await readStart(file, Math.min(HEAD_SIZE, version.size))).toString())
    if (type.kind !== 'media') {
      const start = await readStart(file, Math.min(PLAYLIST_READ_SIZE, version.size))
      const { contentType } = type
      const problem = playlistProblem({ bytes: new Uint8Array(start), contentType, part, url: recording })
      if (problem !== undefined) throw new UsageError(`${path} can't be stored`, problem)
      type = classify(path, start.toString())
    }
    const target =
      part === undefined ? { url: recording } : { part, url: new URL(`${recording.href}/${part}`) }
    return { path, ...target, version, ...type }
  } finally {
    await file.close()
  }
}

async function readStart(file: FileHandle, size: number): Promise<Buffer<ArrayBuffer>> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), { position: 0 })
  return buffer.subarray(0, bytesRead)
}

function throwUnreadable(path: string): (error: NodeJS.ErrnoException) => never {
  return ({ code }) => {
    throw new UsageError(`${path} can't be read (${code})`)
  }
}
