import { writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createArchiveFolder } from '../../src/runtime/folder/archive-folder.ts'
import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { entryAt } from './archived-log.ts'
import { deliveryOf } from './sums.ts'

// A process that stores records, puts deliveries together, archives and prunes as fast as it can until it is killed. It prints
// each record that is durable, as a line.

const [, , folder = ''] = process.argv
// For it, an hour passes with each look at the clock: all that can be archived and pruned is.
let looks = Date.now()
const now = () => {
  looks += 3_600_000
  return looks
}
const limits = { days: 1, records: 200, years: 1_000_000 }
const keeping = { archive: createArchiveFolder(folder), limits }
const ledger = createSqliteLedger(join(folder, 'ledger.sqlite'), now, keeping)
const isolate = crypto.randomUUID().slice(0, 8)
let seq = 0
const delivery = () => {
  seq += 1
  return deliveryOf(Date.now(), isolate, seq)
}
async function append(): Promise<void> {
  for (;;) {
    const entries = Array.from({ length: 40 }, (_, i) =>
      i % 8 === 0 ? delivery() : entryAt(Date.now(), { subject: `psn_${i}` }),
    )
    await ledger.append(entries)
    // A file takes it at once. What was written stays there when the process is killed.
    writeSync(1, entries.map(({ json }) => `${json}\n`).join(''))
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}
async function archive(): Promise<void> {
  for (;;) {
    await ledger.archiver?.step()
    // With nothing to do, a step doesn't wait.
    await new Promise(resolve => setImmediate(resolve))
  }
}
await Promise.all([append(), archive()])
