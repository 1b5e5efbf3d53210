import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { eventId } from '../../src/ledger/event-id.ts'
import { local } from '../../src/runtime/local/index.ts'

// A machine of a fleet, in a process of its own: appends records, and prints the id of each that is confirmed. With the
// argument `drain` it only brings back what waits in its spool, and ends.

const { DATA_DIR: data = '', DATABASE_URL: url = '', WRITERS = '8' } = process.env
const { ledger, close } = local({
  data,
  database: { url },
  s3: { endpoint: 'http://127.0.0.1:9', bucket: 'recordings', accessKeyId: 'key', secretAccessKey: 'secret' },
})

async function write(): Promise<never> {
  for (;;) {
    const id = eventId(Date.now())
    const json = JSON.stringify({
      id,
      kind: 'access',
      t: new Date().toISOString(),
      subject: `psn_${process.pid}`,
    })
    await ledger.append([{ id, json }])
    process.stdout.write(`${id}\n`)
    await setTimeout(5)
  }
}

if (process.argv.includes('drain')) {
  while ((await ledger.spool.waiting(1)).length > 0) {
    await ledger.replay().catch(() => {})
    await setTimeout(100)
  }
  close()
  process.exit(0)
}
await Promise.all(Array.from({ length: Number(WRITERS) }, write))
