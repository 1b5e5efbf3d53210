import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KINDS } from '../../src/ledger/event.ts'
import { type Ledger, type LedgerQuery, QUERY_FIELDS } from '../../src/ledger/ledger.ts'
import { createSqliteLedger } from '../../src/runtime/local/index.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { sample } from '../support/sample.ts'

// The index of the log finds what a plain look at every record finds, whatever is stored and asked.

const value = fc.constantFrom('x', 'y', 'z')
const several = fc.uniqueArray(value, { minLength: 1 })
const members = fc.record(
  {
    kind: fc.constantFrom(...KINDS),
    second: fc.nat(59),
    tenant: fc.constantFrom('north', 'south', 'default'),
    recording_tenant: fc.constantFrom('north', 'south', 'unnamed'),
    answers: fc.array(fc.record({ recording_tenant: fc.constantFrom('north', 'east') }), { maxLength: 3 }),
    ...Object.fromEntries(QUERY_FIELDS.map(name => [name, value])),
  },
  { requiredKeys: ['kind', 'second'] },
)
const time = (second: number): string => `2026-11-23T00:00:${String(second).padStart(2, '0')}.000Z`
const query = fc.record(
  {
    limit: fc.constantFrom(1, 7, 1000),
    since: fc.nat(59).map(time),
    until: fc.nat(59).map(time),
    order: fc.constantFrom('oldest', 'newest'),
    kind: fc.constantFrom(...KINDS),
    tenant: fc.constantFrom('north', 'south', 'east', 'default'),
    ...Object.fromEntries(QUERY_FIELDS.map(name => [name, fc.oneof(value, several)])),
  },
  { requiredKeys: ['limit'] },
)

async function found(ledger: Ledger, asked: LedgerQuery): Promise<string[]> {
  let page = await ledger.read(asked)
  const ids = page.entries.map(({ id }) => id)
  while (page.more) {
    page = await ledger.read({ ...asked, after: page.cursor })
    ids.push(...page.entries.map(({ id }) => id))
  }
  return ids
}

test('an indexed ledger finds the same records as a ledger that looks at each of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(members, { maxLength: 200 }),
      fc.array(query, { minLength: 5, maxLength: 5 }),
      async (stored, queries) => {
        const entries = stored.map(({ second, ...event }, i) => ({
          id: `id-${String(i).padStart(4, '0')}`,
          json: JSON.stringify({ ...event, t: time(second) }),
        }))
        const ledgers = [
          createMemoryLedger(),
          createSqliteLedger(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')),
        ]
        for (const ledger of ledgers) await ledger.append(entries)
        const [memory, sqlite] = ledgers
        for (const asked of queries) {
          if (memory && sqlite)
            expect(await found(sqlite, asked as LedgerQuery)).toEqual(
              await found(memory, asked as LedgerQuery),
            )
        }
      },
    ),
    sample(40, 2_000),
  )
})
