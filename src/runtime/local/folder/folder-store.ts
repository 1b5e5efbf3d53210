import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { servedRange } from '../../../deliver/byte-range.ts'
import { type RecordingStore, type StoredPart, UploadUnknown } from '../../../deliver/recording-store.ts'
import { RESERVED_PREFIX } from '../../../locate/location.ts'
import { StorageFault } from '../../../storage-fault.ts'
import { claimByObject, claimedByObject } from '../../../store/claim-object.ts'
import { stampedByFinding } from '../../../store/stamped-by-finding.ts'
import { codeOf, diskFailed } from './disk-fault.ts'
import { replaceDurably, syncFolder, writeDurably } from './durable-file.ts'
import { factsFiles } from './facts-file.ts'
import { fileBody } from './file-body.ts'
import { firstBelow } from './first-below.ts'
import { type FolderPath, folderPath } from './folder-path.ts'
import { folderUploads, type NewVersion } from './folder-uploads.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { openFiles } from './open-files.ts'
import { refuseLinks } from './regular-file.ts'
import { type StoredFacts, writeFacts } from './stored-facts.ts'

/** How often a part is opened again that was replaced between the reading of its facts and of its bytes. */
const OPENINGS = 5

/**
 * Recordings in a folder on disk. For each object there are two files: `NAME@VERSION`, its bytes, and
 * `NAME@facts.json`, whose it is and which version counts. The latter is replaced in one step, so a reader has the
 * facts and the bytes of one version, and after a crash the old or the new one is there, whole.
 *
 * Symbolic links below the root are not followed. One process at a time may store: `lockDataFolder` sees to it.
 *
 * @param folder is made where it isn't there
 */
export function folderStore(folder: string, now: () => number = Date.now): RecordingStore {
  const uploads = join(folder, RESERVED_PREFIX, 'uploads')
  // What an earlier run left in the middle of an upload was never told to be stored.
  rmSync(uploads, { recursive: true, force: true })
  mkdirSync(uploads, { recursive: true, mode: 0o700 })
  const root = realpathSync(folder)
  const incoming = join(root, RESERVED_PREFIX, 'uploads')
  const exclusively = oneAtATime()
  const files = openFiles()
  const factsOf = factsFiles()
  const factsAt = ({ facts }: FolderPath, key: string): StoredFacts | null => {
    const read = factsOf.read(facts)
    return read?.key === key ? read : null
  }

  /** Makes a file of bytes the version of an object that counts, in one step, if `replaces` holds. */
  function publish(staged: string, made: NewVersion): Promise<StoredPart | null> {
    const { key, version } = made
    const path = folderPath(root, key)
    return exclusively(key, async () => {
      factsOf.forget(path.facts)
      const present = factsAt(path, key)
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

  const store: RecordingStore = {
    async find(key) {
      const facts = factsAt(folderPath(root, key), key)
      return facts && partOf(facts)
    },

    async open(key, range) {
      const path = folderPath(root, key)
      for (let opening = 0; opening < OPENINGS; opening++) {
        const facts = factsAt(path, key)
        if (facts === null) return null
        const served = servedRange(range, facts.size)
        if (served === undefined) return partOf(facts)
        if (served.length === 0) return { ...partOf(facts), range: served, body: new Blob([]).stream() }
        const file = files.open(path.bytes(facts.version))
        if (file === null) continue
        if (file.stats.size !== facts.size) {
          file.forget()
          file.release()
          throw new StorageFault('the file of a recording is not as long as when it was stored: restore it')
        }
        return { ...partOf(facts), range: served, ...fileBody(file, served) }
      }
      throw new StorageFault('the bytes of a recording are missing beside its facts: restore them')
    },

    async put(key, body, options) {
      folderPath(root, key)
      const version = randomBytes(16).toString('hex')
      const staged = join(incoming, version)
      const { digest } = await writeDurably(staged, body ?? [], options.size, options.sha256)
      try {
        return await publish(staged, { ...options, key, version, digest })
      } finally {
        await rm(staged, { force: true })
      }
    },

    ...folderUploads({
      all: join(root, RESERVED_PREFIX, 'in-pieces'),
      incoming,
      exclusively,
      now,
      publish,
      withdraw: (key, version) =>
        exclusively(key, async () => {
          const path = folderPath(root, key)
          if (factsAt(path, key)?.version !== version) await rm(path.bytes(version), { force: true })
        }),
    }),

    stamped: places => stampedByFinding(store, places, prefix => firstBelow(root, prefix)),

    claimed: recording => claimedByObject(store, recording),

    claim: (recording, binding, places) => claimByObject(store, recording, binding, places),
  }
  return store
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

function partOf({ key: _key, version: _version, ...part }: StoredFacts): StoredPart {
  return part
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
