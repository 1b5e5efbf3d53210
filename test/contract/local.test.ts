import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordingStore } from '../../src/recordings/recording-store.ts'
import { createArchiveFolder } from '../../src/runtime/folder/archive-folder.ts'
import { createFolderStore } from '../../src/runtime/folder/folder-store.ts'
import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { createSqliteSpool } from '../../src/runtime/sqlite/sqlite-spool.ts'
import { createEagerLedger } from '../support/archived-ledger.ts'
import { archiveStoreContract } from './archive-store.ts'
import { controlContract } from './control.ts'
import { withControlFile } from './control-trials.ts'
import { crowdedFolder } from './crowded-folder.ts'
import { followerStatesContract } from './follower-states.ts'
import { ledgerContract } from './ledger.ts'
import {
  claimObjectContract,
  damagedBytesContract,
  KEY,
  listingContract,
  recordingStoreContract,
} from './recording-store.ts'
import { patient1, sampleBytes, stream } from './recordings.ts'
import { spoolContract } from './spool.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'mediaward-'))

/** Creates a store with one object, and damages the file of its bytes. */
async function damaged(damage: (file: string) => void): Promise<RecordingStore> {
  const root = folder()
  const bytes = sampleBytes(1000, 7)
  const facts = { size: bytes.length, contentType: 'video/mp4', ownership: patient1, replaces: null }
  await createFolderStore(root).put(KEY, stream(bytes), facts)
  const name = readdirSync(join(root, 'recordings')).find(one => /@[0-9a-f]{32}$/.test(one)) ?? ''
  damage(join(root, 'recordings', name))
  return createFolderStore(root)
}

recordingStoreContract('a folder', () => createFolderStore(folder()))
claimObjectContract('a folder', () => createFolderStore(folder()))
listingContract(
  'a folder',
  parts => {
    const root = folder()
    return crowdedFolder(createFolderStore(root), root, parts)
  },
  20_000,
)
damagedBytesContract('a folder', {
  'bytes that are missing': () => damaged(file => rmSync(file)),
  'bytes that are cut short': () => damaged(file => truncateSync(file, 999)),
  'no bytes at all': () => damaged(file => truncateSync(file, 0)),
  'a link in the place of the bytes': () =>
    damaged(file => {
      rmSync(file)
      symlinkSync('/etc/passwd', file)
    }),
  'a folder in the place of the bytes': () =>
    damaged(file => {
      rmSync(file)
      mkdirSync(file)
    }),
})
ledgerContract('a file of SQLite', () => createSqliteLedger(join(folder(), 'ledger.sqlite')))
followerStatesContract('a file of SQLite', async work => {
  const ledger = createSqliteLedger(join(folder(), 'ledger.sqlite'))
  await work(ledger.states)
  ledger.close()
})
ledgerContract(
  'a file of SQLite that archives and prunes all it can',
  () => createEagerLedger(join(folder(), 'ledger.sqlite')),
  true,
)
controlContract('a file of SQLite', work => withControlFile(folder(), work))
spoolContract('a file of SQLite', () => createSqliteSpool(join(folder(), 'overflow.sqlite')))
archiveStoreContract('a folder', () => createArchiveFolder(folder()))
