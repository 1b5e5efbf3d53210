import { writeSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createPostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { FAKE_RULES } from './fake-rules.ts'
import { refusal } from './refusal.ts'

// A process with a log that rules watch, which stores records as fast as it can until it is killed, some of them twice. It prints
// a dot for each step that is durable.

const [, , folder = ''] = process.argv
const { DATABASE_URL: url } = process.env
const ledger =
  url === undefined
    ? createSqliteLedger(join(folder, 'ledger.sqlite'), undefined, undefined, FAKE_RULES)
    : createPostgresLedger({ url }, undefined, undefined, FAKE_RULES)

for (;;) {
  const entries = Array.from({ length: 10 }, (_, i) => {
    const subject = `psn_${String(i % 4).padStart(32, '0')}`
    if (i % 3 === 0) return refusal('not_owner', { subject, recording: `rec-${i}` })
    if (i % 3 === 1)
      return refusal('recording_unknown', { subject, recording: `made-up-${crypto.randomUUID()}` })
    return refusal('token_signature', { net: { prefix: `203.0.${i}.0/24` } })
  })
  await ledger.append([...entries, ...entries.slice(0, 2)]).catch(() => {})
  await ledger.append(entries.slice(2, 4)).catch(() => {})
  // A file takes it at once. What was written stays there when the process is killed.
  writeSync(1, '.')
  await new Promise(resolve => setTimeout(resolve, 5))
}
