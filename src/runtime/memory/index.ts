export { memoryLedger, memoryOverflow } from './memory-ledger.ts'
export { memoryStore } from './memory-store.ts'
