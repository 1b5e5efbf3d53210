import { createMemoryLedger, createMemorySpool, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { ledgerContract } from './ledger.ts'
import { recordingStoreContract } from './recording-store.ts'
import { spoolContract } from './spool.ts'

recordingStoreContract('memory', createMemoryStore)
ledgerContract('memory', createMemoryLedger)
spoolContract('memory', createMemorySpool)
