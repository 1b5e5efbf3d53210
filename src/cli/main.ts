#!/usr/bin/env node
import process from 'node:process'
import { fail, print, UsageError } from './terminal.ts'

const HELP = `Usage: mediaward COMMAND

  dev [--runtime workerd|deno|node] [--port 8787] [--data DIR] [--vars FILE] [--no-demo]
      Run everything on this machine: gate, recordings, ledger, and an issuer for development.
      --vars names a file of variables (NAME=value lines); issuers in it are then the only ones trusted.
      Prints one JSON line {"ready":true,"url":…} on stdout once it serves.

  token --sub SUBJECT [--role ROLE]… [--ttl SECONDS] [--claim NAME=VALUE]… [--data DIR]
      Print a token of the development issuer.

  put ID FILE-OR-FOLDER --owner SUBJECT [--owner-issuer ISSUER] [--prefix /recordings]
      [--parallel 4] [--anew] [--json] [--url URL] [--token TOKEN] [--data DIR]
      Store a recording through the gate. A folder is a recording of many parts; its playlists are stored last.
      A run that was interrupted goes on when the same command is run again; --anew sends everything again.
      --parallel N sends so many at once, 1 to 16. --json prints one line on stdout when all is stored.

  pseudonym --sub - [--issuer ISSUER] [--json] [--vars FILE] [--data DIR]
      Print the pseudonym under which the log knows a person, whose id is read from stdin. The key is PSEUDONYM_KEY of
      --vars, else of the environment, else that of "dev"; the issuer may be left out if ISSUERS there names one only.

  denials [--follow] [--json] [--limit N] [--since TIME] [--url URL] [--token TOKEN] [--data DIR]
      List who was refused what, oldest first; --follow goes on. --json prints one record a line.

DIR is .mediaward unless it is named. A token can also come from the variable MEDIAWARD_TOKEN.
Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted.`

type Command = (args: readonly string[]) => Promise<void>

// Loaded only when called: what `dev` needs takes a second, and `token` stands in the middle of a line of curl.
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
  if (load === undefined) throw new UsageError(`there is no command "${name}"`, 'see "mediaward help"')
  const command = await load()
  try {
    await command(args)
  } catch (error) {
    const { code } = error as { code?: string }
    // A reader that has enough (`| head`) is no failure.
    if (code === 'EPIPE') process.exit(0)
    if (code?.startsWith('ERR_PARSE_ARGS'))
      throw new UsageError((error as Error).message, 'see "mediaward help"')
    throw error
  }
}

process.stdout.on('error', error => process.exit((error as { code?: string }).code === 'EPIPE' ? 0 : 1))
await main(process.argv.slice(2)).catch(fail)
