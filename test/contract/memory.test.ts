import { memoryLedger, memoryOverflow, memoryStore } from '../../src/runtime/memory/index.ts'
import { ledgerContract } from './ledger.ts'
import { overflowContract } from './overflow.ts'
import { recordingStoreContract } from './recording-store.ts'

recordingStoreContract('memory', memoryStore)
ledgerContract('memory', memoryLedger)
overflowContract('memory', memoryOverflow)
