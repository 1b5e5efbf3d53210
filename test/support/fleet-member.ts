import { join } from 'node:path'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { eventId } from '../../src/ledger/event-id.ts'
import { withSpool } from '../../src/ledger/spool.ts'
import { createArchiveFolder } from '../../src/runtime/folder/archive-folder.ts'
import { local } from '../../src/runtime/local/index.ts'
import { createPostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { createSqliteSpool } from '../../src/runtime/sqlite/sqlite-spool.ts'
import { KEPT } from './archived-ledger.ts'

// A machine of a fleet, in a process of its own: appends records, and prints the id of each that is confirmed. With the
// argument `drain` it only brings back what waits in its spool, and ends. While it is the log of a fleet with an ARCHIVE, a folder, it
// archives and prunes all that it can.

const { DATA_DIR: data = '', DATABASE_URL: url = '', ARCHIVE: archive, BEGUN, WRITERS = '8' } = process.env
const { ledger, close } = archive === undefined ? openLocal() : openArchiving(archive)

function openLocal() {
  const secrets = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const s3 = { endpoint: 'http://127.0.0.1:9', bucket: 'recordings', ...secrets }
  return local({ data, database: { url }, s3 })
}

/** As `local` does, with an archive for which an hour passes in 10 ms since the fleet was created. */
function openArchiving(folder: string) {
  const keeping = { archive: createArchiveFolder(folder), limits: KEPT }
  const begun = Number(BEGUN)
  const log = createPostgresLedger({ url }, keeping, () => begun + (Date.now() - begun) * 360_000)
  let isLog = false
  const archive = async () => {
    for (; isLog; await setTimeout(1)) await log.archiver?.step().catch(() => {})
  }
  log.assign({
    begin() {
      isLog = true
      void archive()
    },
    wake() {},
    end() {
      isLog = false
    },
  })
  return {
    ledger: withSpool(log, createSqliteSpool(join(data, 'overflow.sqlite'))),
    close: () => log.close(),
  }
}

/** As the bytes that left are counted: by process, and by place in it. */
const isolate = `${process.pid}-${Date.now()}`
let sums = 0

/** Appends a sum of deliveries of some view, and prints it as it is counted. */
async function writeSum(): Promise<void> {
  const seq = ++sums
  const id = eventId(Date.now())
  const t = new Date().toISOString()
  const json = JSON.stringify({
    ...{ id, kind: 'delivery', t, recorded: t, view: `view-${seq % 10}`, gate: { isolate, seq } },
    ...{ answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[0, 9]] }] },
  })
  await ledger.append([{ id, json }])
  process.stdout.write(`sum ${isolate} ${seq}\n`)
}

async function write(): Promise<never> {
  for (let i = 0; ; i++) {
    if (i % 4 === 0) await writeSum()
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
