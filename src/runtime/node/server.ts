import process from 'node:process'
import { type Command, createCommand } from './command.ts'
import { serve } from './serve.ts'

/** The gate on Node, as a service: variables from the environment, stopped by SIGTERM. */
export const server: Command = createCommand({
  usage: 'mediaward-server',
  summary: 'Serves the gate on Node. Its variables, from the environment, are in docs/configuration.md.',
  options: {},
  example: "DATA_DIR=/var/lib/mediaward PSEUDONYM_KEY=… ISSUERS='[…]' npx --no mediaward-server",

  async run() {
    const { url, stop } = await serve(process.env)
    const end = () => void stop().then(() => process.exit(0))
    process.once('SIGTERM', end).once('SIGINT', end)
    process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`)
  },
})
