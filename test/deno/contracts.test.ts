import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { folderStore, sqliteLedger, sqliteOverflow } from 'mediaward/local'
import { memoryLedger, memoryOverflow, memoryStore } from 'mediaward/memory'
import { inlineKeys } from '../../src/authenticate/key-source.ts'
import { REMOTE_KEYS, remoteKeys } from '../../src/authenticate/remote-keys.ts'
import { crowdedFolder } from '../contract/crowded-folder.ts'
import { keySourceContract } from '../contract/key-source.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { overflowContract } from '../contract/overflow.ts'
import { claimObjectContract, listingContract, recordingStoreContract } from '../contract/recording-store.ts'

// The contracts of the ports under `deno test`. Deno is let into this one folder, and no other.

const DATA = '.mediaward/deno-test'
mkdirSync(DATA, { recursive: true })
const ours = mkdtempSync(join(DATA, 'run-'))
globalThis.addEventListener('unload', () => rmSync(ours, { recursive: true }))
const folder = () => mkdtempSync(join(ours, 'test-'))

recordingStoreContract('memory', memoryStore)
ledgerContract('memory', memoryLedger)
overflowContract('memory', memoryOverflow)

recordingStoreContract('a folder', () => folderStore(folder()))
claimObjectContract('a folder', () => folderStore(folder()))
listingContract(
  'a folder',
  parts => {
    const root = folder()
    return crowdedFolder(folderStore(root), root, parts)
  },
  15_000,
)
ledgerContract('a file of SQLite', () => sqliteLedger(join(folder(), 'ledger.sqlite')))
overflowContract('a file of SQLite', () => sqliteOverflow(join(folder(), 'overflow.sqlite')))

keySourceContract('what stands in the configuration', inlineKeys)
keySourceContract('a key server', keys =>
  remoteKeys('https://idp.test/jwks', { ...REMOTE_KEYS, fetch: async () => Response.json(keys) }),
)
