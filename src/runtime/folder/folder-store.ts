import { randomBytes } from 'node:crypto'
import { mkdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { logToOperator, StorageFault } from '../../base/storage-fault.ts'
import { servedRange } from '../../http/byte-range.ts'
import { stampedByFinding } from '../../ingest/stamped-by-finding.ts'
import { claimByObject, claimedByObject } from '../../recordings/claim.ts'
import { RESERVED_PREFIX } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  type DamagedPart,
  NameTaken,
  type RecordingStore,
} from '../../recordings/recording-store.ts'
import { writeDurably } from './durable-file.ts'
import { factsFiles } from './facts-file.ts'
import { fileBody } from './file-body.ts'
import { type FolderPath, folderPath, isFolderKey } from './folder-path.ts'
import { createFolderUploads } from './folder-uploads.ts'
import { keyBelow } from './key-below.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { type OpenFile, openFiles } from './open-files.ts'
import { partOf, publisher } from './publish.ts'
import type { StoredFacts } from './stored-facts.ts'

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
export function createFolderStore(folder: string, now: () => number = Date.now): RecordingStore {
  const uploads = join(folder, RESERVED_PREFIX, 'uploads')
  // What an earlier run left in the middle of an upload was never told to be stored.
  rmSync(uploads, { recursive: true, force: true })
  mkdirSync(uploads, { recursive: true, mode: 0o700 })
  const root = realpathSync(folder)
  const incoming = join(root, RESERVED_PREFIX, 'uploads')
  const exclusively = oneAtATime()
  const files = openFiles()
  const factsOf = factsFiles(root)
  if (ignoresCase(root)) {
    logToOperator(
      'the disk of the recordings ignores case: where two names differ in nothing else, the second is not stored (409)',
    )
  }

  /** Facts of another key, found on a disk that ignores case, are not this object's: it isn't there. */
  function factsAt({ facts }: FolderPath, key: string): StoredFacts | DamagedPart | null {
    const read = factsOf.read(facts)
    return read === null || 'fault' in read || read.key === key ? read : null
  }
  /** The facts to replace. Damaged ones, and another object's, must not be written over. */
  function factsToReplace(key: string): StoredFacts | null {
    const read = factsOf.read(folderPath(root, key).facts)
    if (read !== null && 'fault' in read) throw read.fault
    if (read !== null && read.key !== key) throw new NameTaken()
    return read
  }
  function bytesOf(path: FolderPath, { version, size }: StoredFacts): OpenFile | null {
    const file = files.open(path.bytes(version))
    if (file === null || file.stats.size === size) return file
    file.forget()
    file.release()
    throw new StorageFault('the file of a recording is not as long as when it was stored: restore it')
  }

  const publish = publisher({ root, incoming, exclusively, files, factsOf, factsToReplace, now })

  const store: RecordingStore = {
    async find(key) {
      const facts = factsAt(folderPath(root, key), key)
      return facts === null || 'fault' in facts ? facts : partOf(facts)
    },

    async open(key, range) {
      const path = folderPath(root, key)
      for (let opening = 0; opening < OPENINGS; opening++) {
        const facts = factsAt(path, key)
        if (facts === null) return null
        if ('fault' in facts) throw new BytesUnavailable(facts.fault)
        const served = servedRange(range, facts.size)
        if (served === undefined) throw new BytesUnavailable()
        if (served.length === 0) return { ...partOf(facts), range: served, body: new Blob([]).stream() }
        const file = unlessDamaged(() => bytesOf(path, facts))
        if (file !== null) return { ...partOf(facts), range: served, ...fileBody(file, served) }
      }
      throw new BytesUnavailable(
        new StorageFault('the bytes of a recording are missing beside its facts: restore them'),
      )
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

    ...createFolderUploads({
      all: join(root, RESERVED_PREFIX, 'in-pieces'),
      incoming,
      exclusively,
      now,
      factsToReplace,
      publish,
      withdraw: (key, version) =>
        exclusively(key, async () => {
          if (factsToReplace(key)?.version === version) return
          await rm(folderPath(root, key).bytes(version), { force: true })
        }),
    }),

    stamped: keyPrefixes =>
      stampedByFinding(store, keyPrefixes, isFolderKey, prefix => keyBelow(root, prefix)),

    claimed: recording => claimedByObject(store, recording),

    claim: (...claim) => claimByObject(store, ...claim),
  }
  return store
}

/** Whatever fails at opening the bytes of an object is a fault of the bytes: its facts were read. */
function unlessDamaged<File>(open: () => File): File {
  try {
    return open()
  } catch (fault) {
    throw new BytesUnavailable(fault)
  }
}

/** Whether the folder of our own is found by another name, too. */
function ignoresCase(root: string): boolean {
  const ours = statSync(join(root, RESERVED_PREFIX))
  const other = statSync(join(root, RESERVED_PREFIX.toUpperCase()), { throwIfNoEntry: false })
  return other?.ino === ours.ino && other.dev === ours.dev
}
