import process from 'node:process'
import app from './app.ts'

export default {
  fetch: app.fetch,
  onListen({ port }: { port: number }): void {
    process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`)
  },
}
