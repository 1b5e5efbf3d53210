import process from 'node:process'
import { Hono } from 'hono'
import { type Issuer, type Mediaward, type MediawardOptions, mediaward } from 'mediaward'
import { local } from 'mediaward/local'
import { createMemoryLedger } from 'mediaward/memory'
import { type Serving, serve } from 'mediaward/node'

// A program on Node as somebody else would write it: the gate in an app, and the gate as a service.

const { DATA_DIR = '', ISSUERS = '[]', PSEUDONYM_KEY = '' } = process.env
const options: MediawardOptions = {
  issuers: JSON.parse(ISSUERS) as Issuer[],
  pseudonymKey: PSEUDONYM_KEY,
  ...local({ data: `${DATA_DIR}/app` }),
}
const app = new Hono()
const gate: Mediaward = mediaward(options)
app.use(gate)
const { close: _, ...others } = options
app.use('/other/*', mediaward({ ...others, ledger: createMemoryLedger() }))
const { status } = await app.request('/recordings/rec-1')
if (status !== 401) throw new Error(`the app answered ${status}`)
await gate.close()

const serving: Serving = await serve(process.env)
process.once('SIGTERM', () => void serving.stop().then(() => process.exit(0)))
process.stdout.write(`${JSON.stringify({ ready: true, url: serving.url })}\n`)
