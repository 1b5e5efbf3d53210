import { open, readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { flawOfPart } from '../../locate/names.ts'
import { say, UsageError } from '../terminal.ts'
import { type Kind, lookAt, MOST, problemOf } from './playlist.ts'
import { type Version, versionOf } from './read.ts'

/** A file to store. */
export interface Source {
  readonly path: string
  /** The part that it becomes; undefined where it is the recording. */
  readonly part?: string
  /** The version of the file that was looked at: no other is stored. */
  readonly version: Version
  readonly kind: Kind
  readonly contentType: string
}

/** A file and where it goes to. */
export interface Place {
  readonly source: Source
  /** The address of the part. */
  readonly url: URL
}

/** How much of a file is read to see what it is, in bytes. */
const HEAD = 4096
/** The largest object that R2 and S3 store: 5 TiB. */
const MAX_SIZE = 5 * 1024 ** 4

/**
 * The files to store: one, or all of a folder as the parts of a recording.
 *
 * @param url of the recording
 * @throws UsageError where one of them can't be stored
 */
export async function sourcesOf(source: string, url: URL): Promise<readonly Source[]> {
  const facts = await stat(source).catch(() => {
    throw new UsageError(`there is no ${source}`, 'name a file or a folder')
  })
  if (facts.isFile()) return [await sourceOf(source, undefined, url)]
  if (!facts.isDirectory()) throw new UsageError(`${source} is no file and no folder`)
  const paths = (await readdir(source, { recursive: true })).map(name => join(source, name)).sort()
  const hidden = paths.filter(path => basename(path).startsWith('.'))
  for (const path of hidden) say(`${path} is hidden and left out`)
  const sources: Source[] = []
  for (const path of paths) {
    // stat follows links: what they lead to is stored.
    if (hidden.includes(path) || !(await stat(path).catch(unreadable(path))).isFile()) continue
    const name = relative(source, path)
    const part = name.split(sep).join('/')
    const flaw = sep !== '\\' && name.includes('\\') ? 'it has a backslash' : flawOfPart(part)
    if (flaw !== undefined) throw new UsageError(`${path} can't be a part's name: ${flaw}`, 'rename it')
    sources.push(await sourceOf(path, part, url))
  }
  if (sources.length === 0) throw new UsageError(`${source} holds no file`)
  return sources
}

async function sourceOf(path: string, part: string | undefined, url: URL): Promise<Source> {
  const file = await open(path).catch(unreadable(path))
  try {
    const version = versionOf(await file.stat())
    if (version.size > MAX_SIZE) throw new UsageError(`${path} is over 5 TiB`, 'no store takes it: cut it')
    const beginning = async (size: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, version.size)), {
        position: 0,
      })
      return buffer.subarray(0, bytesRead)
    }
    const seen = lookAt(path, (await beginning(HEAD)).toString())
    if (seen.kind === 'media') return { path, ...(part !== undefined && { part }), version, ...seen }
    const bytes = await beginning(MOST)
    const problem = problemOf(new Uint8Array(bytes), seen.contentType, part, url)
    if (problem !== undefined) throw new UsageError(`${path} can't be stored`, problem)
    const all = lookAt(path, bytes.toString())
    return { path, ...(part !== undefined && { part }), version, ...all }
  } finally {
    await file.close()
  }
}

function unreadable(path: string): (error: NodeJS.ErrnoException) => never {
  return ({ code }) => {
    throw new UsageError(`${path} can't be read (${code})`)
  }
}
