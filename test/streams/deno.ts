import process from 'node:process'
import type { Hono } from 'hono'

const { default: app } = (await import(process.env.TEST_APP ?? '')) as { default: Hono }
export default {
  fetch: app.fetch,
  onListen({ port }: { port: number }): void {
    process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`)
  },
}
