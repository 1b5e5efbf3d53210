import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderStore } from '../../src/runtime/local/folder/folder-store.ts'
import { sqliteLedger } from '../../src/runtime/local/sqlite/sqlite-ledger.ts'
import { sqliteOverflow } from '../../src/runtime/local/sqlite/sqlite-overflow.ts'
import { ledgerContract } from './ledger.ts'
import { overflowContract } from './overflow.ts'
import { recordingStoreContract } from './recording-store.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'mediaward-'))

recordingStoreContract('a folder', () => folderStore(folder()))
ledgerContract('a file of SQLite', () => sqliteLedger(join(folder(), 'ledger.sqlite')))
overflowContract('a file of SQLite', () => sqliteOverflow(join(folder(), 'overflow.sqlite')))
