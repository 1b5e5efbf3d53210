import { createMemoryLedger, createMemorySpool, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { ledgerContract } from './ledger.ts'
import { recordingStoreContract } from './recording-store.ts'
import { overflowContract } from './spool.ts'

recordingStoreContract('memory', createMemoryStore)
ledgerContract('memory', createMemoryLedger)
overflowContract('memory', createMemorySpool)
