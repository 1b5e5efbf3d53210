import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createFolderStore, createSqliteLedger, createSqliteSpool } from 'mediaward/local'
import { createMemoryLedger, createMemorySpool, createMemoryStore } from 'mediaward/memory'
import { controlContract } from '../contract/control.ts'
import { withControlFile, withMemoryControl } from '../contract/control-trials.ts'
import { crowdedFolder } from '../contract/crowded-folder.ts'
import { keySourceContracts } from '../contract/key-source.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { ownerSourceContracts } from '../contract/owner-source.ts'
import { claimObjectContract, listingContract, recordingStoreContract } from '../contract/recording-store.ts'
import { spoolContract } from '../contract/spool.ts'
import { watchContract } from '../contract/watch.ts'
import { watchedSqlite } from '../support/watched-sqlite.ts'

// The contracts of the ports under `deno test`. Deno is let into this one folder, and no other.

const DATA = '.mediaward/deno-test'
mkdirSync(DATA, { recursive: true })
const ours = mkdtempSync(join(DATA, 'run-'))
globalThis.addEventListener('unload', () => rmSync(ours, { recursive: true }))
const folder = () => mkdtempSync(join(ours, 'test-'))

recordingStoreContract('memory', createMemoryStore)
ledgerContract('memory', createMemoryLedger)
spoolContract('memory', createMemorySpool)
controlContract('memory', withMemoryControl)

recordingStoreContract('a folder', () => createFolderStore(folder()))
claimObjectContract('a folder', () => createFolderStore(folder()))
listingContract(
  'a folder',
  parts => {
    const root = folder()
    return crowdedFolder(createFolderStore(root), root, parts)
  },
  15_000,
)
ledgerContract('a file of SQLite', () => createSqliteLedger(join(folder(), 'ledger.sqlite')))
controlContract('a file of SQLite', work => withControlFile(folder(), work))
watchContract('a file of SQLite', async () => watchedSqlite(join(folder(), 'ledger.sqlite')))
spoolContract('a file of SQLite', () => createSqliteSpool(join(folder(), 'overflow.sqlite')))

keySourceContracts()
ownerSourceContracts()
