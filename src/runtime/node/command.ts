import process from 'node:process'
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'
import { VERSION } from '../../ledger/event.ts'

// What every command has in common: how it reads its arguments, and how its help looks.

/** An option of a command, as `parseArgs` takes it, with its line in the help. */
export interface CommandOption extends ParseArgsOptionDescriptor {
  /** What the value is, as in `FILE`. */
  readonly value?: string
  /** What the option does, in a sentence or two. Absent if it is a former name that scripts still use. */
  readonly about?: string
}

/** An option with a value, which may be left out. */
export interface TextOption extends CommandOption {
  readonly type: 'string'
  readonly multiple?: false
}

/** An option with a value and a default. */
export interface DefaultedOption extends TextOption {
  readonly default: string
}

/** The options of a command by name. */
export type CommandOptions = Readonly<Record<string, CommandOption>>

/** The values of a command's options, by name. */
export type OptionValues<Options extends CommandOptions> = ReturnType<
  typeof parseArgs<{ options: Options }>
>['values']

/** A command, declared: what it takes, what its help says, and what it does. */
export interface CommandDefinition<Options extends CommandOptions> extends Pick<Help, 'summary' | 'example'> {
  /** How to call it, with what it can't do without: `mediaward put ID FILE --owner SUBJECT`. */
  readonly usage: string
  readonly options: Options
  /** Whether it takes arguments besides its options. Default false. */
  readonly allowPositionals?: boolean
  readonly run: (values: OptionValues<Options>, positionals: readonly string[]) => Promise<void>
}

/** A command that is ready to run. */
export interface Command {
  /** One sentence: what it does. */
  readonly summary: string
  /**
   * Runs it, or prints its help or the version if the arguments ask for that.
   *
   * @throws TypeError with a code `ERR_PARSE_ARGS_…` if it doesn't take these arguments
   */
  readonly run: (args: readonly string[]) => Promise<void>
}

/** The options of every command. */
const STANDARD = {
  help: { type: 'boolean', short: 'h', about: 'Print this help.' },
  version: { type: 'boolean', about: 'Print the version.' },
} as const satisfies CommandOptions

/** Creates a command. */
export function createCommand<const Options extends CommandOptions>(
  definition: CommandDefinition<Options>,
): Command {
  const { usage, summary, example, allowPositionals = false, run } = definition
  const options = { ...definition.options, ...STANDARD }
  return {
    summary,
    async run(given) {
      const args = [...given]
      const help = () =>
        printLine(formatHelp({ usage: `${usage} [OPTIONS]`, summary, rows: rowsOf(options), example }))
      const asked = standardOptionsIn(args, options)
      if (asked.has('help')) return help()
      if (asked.has('version')) return printLine(VERSION)
      const { values, positionals } = parseArgs({ args, options, allowPositionals })
      // As in `-hh`.
      if (Object.hasOwn(values, 'help')) return help()
      await run(values as OptionValues<Options>, positionals)
    },
  }
}

/**
 * Finds which options of every command are asked for. A user who asks for help may not know yet what the command takes, so
 * nothing else is checked.
 *
 * Only an argument of its own counts. A script that passes `-1h`, or a value that happens to be `-h`, must learn that nothing
 * was done: with help on stdout and the exit code 0 it would take that for success.
 */
function standardOptionsIn(args: string[], options: CommandOptions): ReadonlySet<string> {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  return new Set(
    tokens.flatMap(token =>
      token.kind === 'option' && Object.hasOwn(STANDARD, token.name) && args[token.index] === token.rawName
        ? token.name
        : [],
    ),
  )
}

/** What a page of help says. */
export interface Help {
  readonly usage: string
  /** One sentence: what it does. */
  readonly summary: string
  /** The title of the rows. Default `Options`. */
  readonly title?: string
  readonly rows: readonly (readonly [name: string, about: string])[]
  /** One call of it, as a user would type it. */
  readonly example: string
}

const WIDTH = 100
const USAGE = 'Usage: '

/** Formats a page of help. */
export function formatHelp({ usage, summary, title = 'Options', rows, example }: Help): string {
  const column = 4 + Math.max(...rows.map(([name]) => name.length))
  const lines = rows.flatMap(([name, about]) =>
    wrap(about, WIDTH - column).map((line, i) => (i === 0 ? `  ${name}` : '').padEnd(column) + line),
  )
  const called = wrap(usage, WIDTH - USAGE.length).join(`\n${' '.repeat(USAGE.length)}`)
  return `${USAGE}${called}\n\n${summary}\n\n${title}:\n${lines.join('\n')}\n\nExample:\n  ${example}`
}

function rowsOf(options: CommandOptions): Help['rows'] {
  return Object.entries(options).flatMap(([name, { short, value, about, default: preset }]) => {
    if (about === undefined) return []
    const flag = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
    return [[flag, typeof preset === 'string' ? `${about} Default: ${preset}` : about]]
  })
}

function wrap(sentence: string, width: number): readonly string[] {
  const lines = ['']
  for (const word of sentence.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trimStart()
    if (line.length > width) lines.push(word)
    else lines[lines.length - 1] = line
  }
  return lines
}

function printLine(line: string): void {
  process.stdout.write(`${line}\n`)
}
