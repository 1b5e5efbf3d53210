import process from 'node:process'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { type Issuer, mediaward } from '../../src/index.ts'
import { local } from '../../src/runtime/local/index.ts'

// An app of somebody else's with the gate in it, as docs/one-machine.md shows it. Node runs it, and `deno serve`.

const { DATA_DIR = '', ISSUERS = '[]', PSEUDONYM_KEY = '' } = process.env
const gate = mediaward({
  issuers: JSON.parse(ISSUERS) as Issuer[],
  pseudonymKey: PSEUDONYM_KEY,
  ...local({ data: DATA_DIR }),
})
const app = new Hono()
app.use(gate)

const onListen = ({ port }: { port: number }): void => {
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`)
}
if (!('Deno' in globalThis)) serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, onListen)
process.once('SIGTERM', () => void gate.close().then(() => process.exit(0)))

export default { fetch: app.fetch, onListen }
