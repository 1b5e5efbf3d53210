import { readFileSync } from 'node:fs'
import type { Option, Table } from '../../src/config/option.ts'
import { labelOf } from '../../src/config/option.ts'
import { OPTIONS } from '../../src/config/table.ts'
import { LOCAL_OPTIONS } from '../../src/runtime/local/local-variables.ts'

// The tables of docs/configuration.md. Names, variables and rules come from the table of options; what an option means
// comes from the doc comment of its interface: the first paragraph, and `@defaultValue`.

/** Every option of every runtime. */
export const ALL_OPTIONS: Table = { ...OPTIONS, ...LOCAL_OPTIONS }

/** Where the options are documented: file, interface, and the group of its members. */
const INTERFACES: readonly (readonly [file: string, name: string, group: string])[] = [
  ['src/config/options.ts', 'MediawardOptions', ''],
  ['src/config/options.ts', 'DeploymentOptions', ''],
  ['src/archive/keep-options.ts', 'KeepOptions', 'keep.'],
  ['src/ticket/ticket-options.ts', 'TicketOptions', 'tickets.'],
  ['src/http/request-body.ts', 'BodyTimeouts', 'bodyTimeouts.'],
  ['src/runtime/local/local-variables.ts', 'LocalVariables', ''],
  ['src/runtime/s3/options.ts', 'S3Options', 's3.'],
  ['src/runtime/postgres/options.ts', 'DatabaseOptions', 'database.'],
]

/** What a doc comment says of an option. */
export interface Documented {
  readonly meaning: string
  /** As `@defaultValue` says it. */
  readonly defaultValue?: string
}

/** What the doc comments say, by the options' names. */
export function documentedOptions(): ReadonlyMap<string, Documented> {
  return new Map(
    INTERFACES.flatMap(([file, name, group]) =>
      [...documentedMembers(file, name)].map(([member, documented]) => [group + member, documented] as const),
    ),
  )
}

/** Reads the doc comments of an interface's members. */
export function documentedMembers(file: string, name: string): ReadonlyMap<string, Documented> {
  const [, body = ''] =
    new RegExp(`^export interface ${name} {\n([\\s\\S]*?)\n}`, 'm').exec(readFileSync(file, 'utf8')) ?? []
  const members = body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)\??:/g)
  return new Map([...members].map(([, comment = '', member = '']) => [member, documentedIn(comment)]))
}

function documentedIn(comment: string): Documented {
  const paragraphs = comment
    .replace(/^ *\* ?/gm, '')
    .trim()
    .split(/\n\s*\n|(?=^@)/m)
    .map(paragraph => paragraph.replace(/\s+/g, ' ').trim())
  const tag = paragraphs.find(paragraph => paragraph.startsWith('@defaultValue '))
  const meaning = paragraphs[0] ?? ''
  return tag === undefined ? { meaning } : { meaning, defaultValue: tag.slice('@defaultValue '.length) }
}

/** The tables of docs/configuration.md, by the name in the comment before each. */
export function optionsTables(): ReadonlyMap<string, string> {
  const documented = documentedOptions()
  const rows = Object.entries(ALL_OPTIONS)
  const cells = (name: string, option: Option): string => {
    const { meaning = '', defaultValue } = documented.get(name) ?? {}
    return `${[linked(meaning), ...consequencesOf(option)].join(' ')} | ${defaultOf(name, option, defaultValue)} |`
  }
  const variables = rows.flatMap(([name, option]) => {
    const { variable } = option
    if (variable === undefined) return []
    return [`| \`${variable}\` | ${variable === name ? '' : `\`${name}\``} | ${cells(name, option)}`]
  })
  const inCode = rows.flatMap(([name, option]) =>
    option.variable === undefined ? [`| \`${name}\` | ${cells(name, option)}`] : [],
  )
  return new Map([
    ['variables', table(['variable', 'option', 'meaning', 'default'], variables)],
    ['code', table(['option', 'meaning', 'default'], inCode)],
    ['issuers', membersTable('src/authenticate/issuer.ts', 'Issuer')],
    ['introspection', membersTable('src/authenticate/introspection/introspection.ts', 'Introspection')],
  ])
}

function membersTable(file: string, name: string): string {
  const rows = [...documentedMembers(file, name)].map(
    ([member, { meaning, defaultValue = 'required' }]) => `| \`${member}\` | ${meaning} | ${defaultValue} |`,
  )
  return table(['member', 'meaning', 'default'], rows)
}

/** The pages are beside the table's own. The default has a column. */
function linked(meaning: string): string {
  return meaning.replace(/docs\/([\w-]+\.md)/g, '[$1]($1)').replace(/ Default [\d,]+\.$/, '')
}

function consequencesOf({ needs, excludes, runtimes }: Option): readonly string[] {
  const names = { workers: 'Workers', deno: 'Deno', node: 'Node' }
  return [
    ...(needs === undefined ? [] : [`Needs ${variableOf(needs)}.`]),
    ...(excludes === undefined ? [] : [`Not together with ${variableOf(excludes)}.`]),
    ...(runtimes === undefined ? [] : [`Only on ${runtimes.map(runtime => names[runtime]).join(' and ')}.`]),
  ]
}

function variableOf(name: string): string {
  return `\`${labelOf(ALL_OPTIONS, name).replace(/ .*/, '')}\``
}

function defaultOf(name: string, option: Option, documented: string | undefined): string {
  const unit = option.unit === undefined ? '' : ` ${option.unit}`
  if (documented !== undefined || !option.required) return (documented ?? `\`${option.default}\``) + unit
  const [group, member] = name.split('.')
  return member === undefined ? 'required' : `required if any of \`${group}\` is set`
}

function table(titles: readonly string[], rows: readonly string[]): string {
  return [`| ${titles.join(' | ')} |`, `|${' --- |'.repeat(titles.length)}`, ...rows]
    .map(row => `${row}\n`)
    .join('')
}
