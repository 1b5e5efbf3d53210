import type { Ledger } from '../../src/ledger/ledger.ts'

/** Returns a ledger that is still being created. */
export const laterLedger = (ledger: Promise<Ledger>): Ledger => ({
  append: async entries => (await ledger).append(entries),
  read: async query => (await ledger).read(query),
  count: async query => (await ledger).count(query),
  held: async query => (await ledger).held(query),
  lag: async () => (await ledger).lag?.() ?? 0,
  waitAfter: async (cursor, milliseconds) => (await ledger).waitAfter(cursor, milliseconds),
})
