export { createMemoryControl } from './memory-control.ts'
export { createMemoryLedger, createMemorySpool } from './memory-ledger.ts'
export { createMemoryStore } from './memory-store.ts'
