import process from 'node:process'
import { VERSION } from '../ledger/event.ts'
import { type Command, formatHelp } from '../runtime/node/command.ts'
import { stringMember } from './json.ts'
import { COMMAND, fail, messageOf, print, UsageError } from './terminal.ts'

// Loaded only when used: the imports of `dev` take a second, and shell scripts call `token` for each request.
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  dev: async () => (await import('./dev.ts')).dev,
  token: async () => (await import('./token.ts')).token,
  put: async () => (await import('./put.ts')).put,
  log: async () => (await import('./log/log.ts')).log,
  denials: async () => (await import('./log/log.ts')).denials,
  explain: async () => (await import('./explain/explain.ts')).explain,
  pseudonym: async () => (await import('./log/pseudonym.ts')).pseudonym,
  sinks: async () => (await import('./sinks/sinks.ts')).sinks,
  findings: async () => (await import('./contain/findings.ts')).findings,
  canary: async () => (await import('./contain/canary.ts')).canary,
  rules: async () => (await import('./rules/rules.ts')).rules,
  'alert-test': async () => (await import('./contain/alert-test.ts')).alertTest,
  release: async () => (await import('./contain/release.ts')).release,
  drill: async () => (await import('./drill/drill.ts')).drill,
  lockdown: async () => (await import('./contain/lockdown.ts')).lockdown,
  doctor: async () => (await import('./doctor/doctor.ts')).doctor,
}

/** Runs the command that the arguments name. Ends the process if it fails. */
export async function runProgram(args: readonly string[]): Promise<void> {
  process.stdout.on('error', error => process.exit(stringMember(error, 'code') === 'EPIPE' ? 0 : 1))
  await run(args).catch(fail)
}

async function run([name = 'help', ...args]: readonly string[]): Promise<void> {
  if (['help', '--help', '-h'].includes(name)) {
    const [about] = args
    return about === undefined ? print(await overview()) : (await find(about)).run(['--help'])
  }
  if (name === '--version') return print(VERSION)
  const command = await find(name)
  try {
    await command.run(args)
  } catch (error) {
    const code = stringMember(error, 'code')
    // The reader has closed the pipe because it has enough (`| head`): that is not a failure.
    if (code === 'EPIPE') process.exit(0)
    if (code?.startsWith('ERR_PARSE_ARGS')) {
      throw new UsageError(messageOf(error), `see "${COMMAND} ${name} --help"`)
    }
    throw error
  }
}

async function find(name: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) throw new UsageError(`"${name}" is not a command`, `see "${COMMAND} help"`)
  return load()
}

async function overview(): Promise<string> {
  const rows = Object.entries(COMMANDS).map(async ([name, load]) => [name, (await load()).summary] as const)
  const help = formatHelp({
    usage: 'mediaward COMMAND [OPTIONS]',
    summary: 'Starts, fills and reads a gate in front of consultation recordings.',
    title: 'Commands',
    rows: await Promise.all(rows),
    example: `${COMMAND} put --help`,
  })
  const codes = '0 done, 1 failed, 2 called wrongly, 3 the token has ended while following, 130 interrupted'
  return `${help}\n\nExit codes: ${codes}.`
}
