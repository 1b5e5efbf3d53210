import process from 'node:process'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'

const { default: app } = (await import(process.env.TEST_APP ?? '')) as { default: Hono }
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`)
})
