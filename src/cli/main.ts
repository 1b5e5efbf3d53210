#!/usr/bin/env node
import process from 'node:process'
import { stringMember } from './json.ts'
import { fail, messageOf, print, UsageError } from './terminal.ts'

const HELP = `Usage: mediaward COMMAND

  dev [--runtime workerd|deno|node] [--port 8787] [--data DIR] [--vars FILE] [--no-demo]
      Run everything on this machine: a gate, recordings, a ledger, and an issuer for development.
      --vars names a file of variables (NAME=value lines). If it sets ISSUERS, only those issuers are trusted.
      Prints one JSON line {"ready":true,"url":…} on stdout when the gate serves.

  token --sub SUBJECT [--role ROLE]… [--ttl SECONDS] [--claim NAME=VALUE]… [--data DIR]
      Print a token of the development issuer.

  put ID FILE-OR-FOLDER --owner SUBJECT [--owner-issuer ISSUER] [--prefix /recordings]
      [--parallel 4] [--restart] [--json] [--url URL] [--token TOKEN] [--data DIR]
      Store a recording through the gate. A folder is a recording of many parts; its playlists are stored last.
      Retries failed requests. To resume an interrupted run, run the same command again; with --restart it
      sends everything again. --parallel sets how many requests run at once, 1 to 16. --json prints one line on
      stdout when everything is stored.

  pseudonym --sub - [--issuer ISSUER] [--json] [--vars FILE] [--data DIR]
      Print the pseudonym of a person in the log. Reads the person's id from stdin. Takes PSEUDONYM_KEY from the
      file of --vars, else from the environment, else from "dev". --issuer may be left out if ISSUERS, from the
      same place, names only one; with the key of "dev", ISSUERS may be in the file of --vars.

  denials [--follow] [--json] [--limit N] [--since TIME] [--url URL] [--token TOKEN] [--data DIR]
      List refused requests, oldest first. --follow keeps listing new ones. --json prints one event a line.

DIR is .mediaward by default. Without --token, the token comes from the variable MEDIAWARD_TOKEN.
Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted.`

type Command = (args: readonly string[]) => Promise<void>

// Loaded only when used: the imports of `dev` take a second, and shell scripts call `token` for each request.
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  dev: async () => (await import('./dev.ts')).dev,
  token: async () => (await import('./token.ts')).token,
  put: async () => (await import('./put.ts')).put,
  pseudonym: async () => (await import('./pseudonym.ts')).pseudonym,
  denials: async () => (await import('./denials.ts')).denials,
}

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === 'help' || name === '--help' || args.includes('--help'))
    return print(HELP)
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) throw new UsageError(`"${name}" is not a command`, 'see "mediaward help"')
  const command = await load()
  try {
    await command(args)
  } catch (error) {
    const code = stringMember(error, 'code')
    // The reader has closed the pipe because it has enough (`| head`): that is not a failure.
    if (code === 'EPIPE') process.exit(0)
    if (code?.startsWith('ERR_PARSE_ARGS')) throw new UsageError(messageOf(error), 'see "mediaward help"')
    throw error
  }
}

process.stdout.on('error', error => process.exit(stringMember(error, 'code') === 'EPIPE' ? 0 : 1))
await main(process.argv.slice(2)).catch(fail)
