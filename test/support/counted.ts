import type { CountQuery, RecordCount } from '../../src/ledger/ledger.ts'

/** What a log has counted since it was begun. */
export interface Counted {
  readonly hour: readonly RecordCount[]
  readonly total: readonly RecordCount[]
}

/** Asks a log for all that it has counted. */
export async function countedBy(
  count: (query: CountQuery) => Promise<readonly RecordCount[]>,
): Promise<Counted> {
  const always = { since: '1970-01-01T00:00:00.000Z', until: '2100-01-01T00:00:00.000Z' }
  return {
    hour: await count({ by: 'hour', ...always }),
    total: await count({ by: 'total', ...always }),
  }
}
