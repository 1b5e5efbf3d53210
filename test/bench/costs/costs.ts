import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { fail, print, say } from '../../../src/cli/terminal.ts'
import { bundle, DURABLE_OBJECTS } from '../../../src/cli/workerd.ts'
import { createIssuer, variables } from '../../support/gate-client.ts'
import { hlsObjects, PUBLIC_URL, TICKET_KEY } from '../hls.ts'
import { OBJECTS, PATIENT, seed, startWorker } from '../workers.ts'
import { writeCosts } from './cost-table.ts'
import { Meter } from './meter.ts'
import { type Asking, askEvenly, HLS, MP4, prune, VISITS, watch } from './runs.ts'

// What the deployed worker costs on Cloudflare: what is billed is counted while requests come and while a recording is
// watched, and multiplied by list prices. Takes seven minutes, and nothing else should run meanwhile. `--write` puts the
// tables into docs/operating.md. `--inboxes N` tries another number of inboxes than the default.

const PAGE = new URL('../../../docs/operating.md', import.meta.url).pathname
const METERED = new URL('../../workerd/metered.ts', import.meta.url).pathname
const BETWEEN = /(<!-- measured: npm run costs -- --write -->\n)[\s\S]*?(<!-- end of it -->)/

const folder = mkdtempSync(join(tmpdir(), 'mediaward-costs-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

try {
  const { values } = parseArgs({
    options: { write: { type: 'boolean' }, inboxes: { type: 'string', default: '' } },
  })
  const tables = writeCosts(await measure(values.inboxes))
  await print(tables)
  if (values.write) {
    const page = readFileSync(PAGE, 'utf8')
    if (!BETWEEN.test(page)) throw new Error('docs/operating.md has no markers for the costs')
    writeFileSync(
      PAGE,
      page.replace(BETWEEN, (_, before, after) => `${before}${tables}\n${after}`),
    )
  }
} catch (error) {
  fail(error)
}
process.exit(process.exitCode)

async function measure(inboxes: string) {
  const issuer = await createIssuer()
  const seeded = join(folder, 'seeded')
  say('starting three workers, each with its meters …')
  const [playlist] = hlsObjects(PATIENT)
  const { seekable, segment } = OBJECTS
  await seed(seeded, issuer, [...VISITS, seekable, segment, ...(playlist === undefined ? [] : [playlist])])
  const script = await bundle(METERED)
  const bindings = { ...variables(issuer), TICKET_KEY, PUBLIC_URL, LEDGER_SHARDS: inboxes }
  const start = async (name: string) => {
    const data = join(folder, name)
    cpSync(seeded, data, { recursive: true })
    return new Meter(await startWorker(name, script, data, { bindings, durableObjects: DURABLE_OBJECTS }))
  }
  const [refusals, hls, mp4] = [await start('refusals'), await start('hls'), await start('mp4')]
  const watched = Promise.all([watch(hls, issuer, HLS), watch(mp4, issuer, MP4)])
  // A multiple of 64 each, as so many are entered into the index together.
  const ask = (asking: Asking, requests: number, rate: number) =>
    askEvenly(refusals, issuer, { asking, requests, rate })
  const rates = { sparse: await ask('token_missing', 64, 0.4), steady: await ask('token_missing', 192, 3) }
  const kinds = {
    token_missing: await ask('token_missing', 640, 100),
    not_owner: await ask('not_owner', 640, 100),
    ticket: await ask('ticket', 320, 100),
    view: await ask('view', 320, 100),
  }
  await refusals.ask('/metered/scheduled')
  const replay = await refusals.next()
  const [byHls, byMp4] = await watched
  return { rates, kinds, replay, watched: { hls: byHls, mp4: byMp4 }, stored: await prune(refusals, issuer) }
}

/** All that was measured. */
export type Measurements = Awaited<ReturnType<typeof measure>>
