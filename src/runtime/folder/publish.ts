import { existsSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PutOptions, StoredPart } from '../../recordings/recording-store.ts'
import { UploadUnknown } from '../../recordings/uploads.ts'
import { codeOf, diskFailed } from './disk-fault.ts'
import { replaceDurably, syncFolder, writeDurably } from './durable-file.ts'
import type { FactsFiles } from './facts-file.ts'
import { folderPath } from './folder-path.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { OpenFiles } from './open-files.ts'
import { refuseLinks } from './regular-file.ts'
import { type StoredFacts, writeFacts } from './stored-facts.ts'

/** A version of an object that is about to be. */
export interface NewVersion extends PutOptions {
  readonly key: string
  /** 32 hexadecimal digits. */
  readonly version: string
  /** What the entity tag is made of: follows from the bytes alone. */
  readonly digest: string
}

/** What publishing works with. */
export interface Publishing {
  readonly root: string
  /** The folder for what is on its way in. */
  readonly incoming: string
  readonly exclusively: OneAtATime
  readonly files: OpenFiles
  readonly factsOf: FactsFiles
  /** The facts that a version is to replace; throws where they must not be. */
  readonly factsToReplace: (key: string) => StoredFacts | null
  readonly now: () => number
}

/**
 * Makes a file of bytes, which is durable, the version of an object that counts: in one step, and only if `replaces`
 * holds; else it resolves to null.
 */
export type Publish = (staged: string, made: NewVersion) => Promise<StoredPart | null>

/** Makes what publishes. */
export function publisher(publishing: Publishing): Publish {
  const { root, incoming, exclusively, files, factsOf, factsToReplace, now } = publishing
  return (staged, made) => {
    const { key, version } = made
    const path = folderPath(root, key)
    return exclusively(key, async () => {
      factsOf.forget(path.facts)
      const present = factsToReplace(key)
      // It was done before, and the process ended before that was told.
      if (present?.version === version) return partOf(present)
      if ((present?.etag ?? null) !== made.replaces) return null
      const facts = newFacts(made, now())
      const text = new TextEncoder().encode(writeFacts(facts))
      const stagedFacts = join(incoming, `${version}.json`)
      await makeFolders(path.folders)
      try {
        await writeDurably(stagedFacts, [text], text.length)
        await bringIn(staged, path.bytes(version), path.folder)
        await replaceDurably(stagedFacts, path.facts, path.folder)
      } finally {
        await rm(stagedFacts, { force: true })
      }
      factsOf.forget(path.facts)
      // Who reads the old version has its file open, and reads on.
      if (present !== null) {
        files.forget(path.bytes(present.version))
        await rm(path.bytes(present.version), { force: true }).catch(() => {})
      }
      return partOf(facts)
    })
  }
}

/** The facts of an object that are for others, too. */
export function partOf({ key: _key, version: _version, ...part }: StoredFacts): StoredPart {
  return part
}

function newFacts(
  { key, version, size, digest, contentType, binding }: NewVersion,
  now: number,
): StoredFacts {
  const modified = Math.floor(now / 1000) * 1000
  // Of the bytes alone, so that it is the same after a restart, a copy and a restore.
  return { key, version, size, etag: `"${digest.slice(0, 32)}"`, modified, contentType, binding }
}

/** Gives a file of bytes its name; an upload in pieces may have been stopped right after that. */
async function bringIn(staged: string, to: string, folder: string): Promise<void> {
  if (existsSync(staged)) await replaceDurably(staged, to, folder)
  else if (!existsSync(to)) throw new UploadUnknown()
}

/** Makes the folders of an object, durably, one below the other: a link among them would lead the next one away. */
async function makeFolders([above = '', ...below]: readonly string[]): Promise<void> {
  const [folder] = below
  if (folder === undefined) return
  try {
    mkdirSync(folder, { mode: 0o700 })
    await syncFolder(above)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') diskFailed(error)
    refuseLinks(folder)
  }
  await makeFolders(below)
}
