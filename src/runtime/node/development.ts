import process from 'node:process'
import { forDevelopment } from '../../development.ts'
import { start } from '../local/start.ts'
import { listen, run } from './serve.ts'

/**
 * The server that `mediaward dev --runtime node` runs. It is the one that is deployed, and answers beside that what a
 * developer's browser asks for.
 *
 * It runs in a process of its own. So the process that can sign tokens of the development issuer is never the one that
 * checks them, and `dev` handles no request for a recording.
 *
 * @module
 */

await run(async () => {
  const started = start(process.env)
  return listen({ ...started, fetch: forDevelopment(started.fetch, process.env) })
})
