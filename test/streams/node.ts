import process from 'node:process'
import type { Hono } from 'hono'
import { listen } from '../../src/runtime/node/serve.ts'

// An app behind the server that the gate has on Node.

const { default: app } = (await import(process.env.TEST_APP ?? '')) as { default: Hono }
const { url } = await listen({
  fetch: request => app.fetch(request),
  settings: { host: '127.0.0.1', port: 0 },
  endStreams() {},
  async close() {},
})
process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`)
