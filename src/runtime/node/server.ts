import process from 'node:process'
import { type Command, createCommand } from './command.ts'
import { run, serve } from './serve.ts'

/** The gate on Node, as a service: variables from the environment, stopped by SIGTERM. */
export const server: Command = createCommand({
  usage: 'mediaward-server',
  summary: 'Serves the gate on Node. Its variables, from the environment, are in docs/configuration.md.',
  options: {},
  example: "DATA_DIR=/var/lib/mediaward PSEUDONYM_KEY=… ISSUERS='[…]' npx --no mediaward-server",

  run: () => run(() => serve(process.env)),
})
