import { nearestName } from './nearest-name.ts'

/** What is wrong with a value: in which part of it (`''` for the whole, `[0].issuer` for a part), and how to fix it. */
export type Mistake = readonly [at: string, what: string]

/** What a check finds: what is wrong with the whole value, or the mistakes in its parts. Undefined or empty if it is right. */
export type Found = string | readonly Mistake[] | undefined

/**
 * Finds the mistakes in a value, which may be of any type. A sentence begins with "must", names no secret, and says how
 * to fix the value. `options` holds the values of the other options.
 */
export type Check = (value: unknown, options: object) => Found

/** Lists what a check found. */
export const listed = (found: Found): readonly Mistake[] =>
  typeof found === 'string' ? [['', found]] : (found ?? [])

/** A runtime on which an option counts. */
export type Runtime = 'workers' | 'deno' | 'node'

/** One option, declared: all that is checked, read and documented comes from here. */
export interface Option<Value = unknown> {
  /** The variable of a deployment. Without it the option can be given in code only. */
  readonly variable?: string
  /** What a number counts: seconds or milliseconds. */
  readonly unit?: 's' | 'ms'
  /** Whether the option must be given. For `group.member` this holds if any member of the group is given. */
  readonly required?: boolean
  readonly default?: Value
  /** The option that this one makes mandatory. */
  readonly needs?: string
  /** The option that can't be given together with this one. */
  readonly excludes?: string
  /** Default: all of them. */
  readonly runtimes?: readonly Runtime[]
  /**
   * The members of a JSON list's items that are secrets, such as `introspection.client_secret`. With `[]` at its end, a member
   * may be a list of secrets.
   */
  readonly secrets?: readonly string[]
  /**
   * Reads the variable's string. Default: the string itself.
   *
   * @throws Error that says what is wrong with the string and doesn't quote it
   */
  readonly parse?: (string: string) => unknown
  readonly check: Check
}

/** Options by name. The member of a group is named `group.member`. */
export type Table = Readonly<Record<string, Option>>

/** The members of an object, one row each: a check alone if nothing else is to be said of it. */
export type MembersOf<Members> = {
  readonly [Name in keyof Members]-?: undefined extends Members[Name] ? Check | Option : RequiredMember
}
interface RequiredMember extends Option {
  readonly required: true
}

/**
 * A table that has one row for each member of `Options` and no other, with its type, required exactly if the member
 * is, and with a default exactly if the name is one of `Defaulted`.
 */
export type TableOf<Options, Defaulted extends keyof Options = never> = {
  readonly [Name in keyof Options]-?: Option<NonNullable<Options[Name]>> &
    (undefined extends Options[Name] ? { readonly required?: never } : { readonly required: true }) &
    (Name extends Defaulted ? { readonly default: NonNullable<Options[Name]> } : { readonly default?: never })
}

/** The members of a group, named as in a table. */
export type Group<Name extends string, Options> = {
  readonly [Member in keyof Options as `${Name}.${Member & string}`]: Options[Member]
}

/**
 * Finds the mistakes in a set of options, in the order of the table.
 *
 * @param names the options to check. Default: all of the table
 * @returns for each mistake the option's name, and the mistake
 */
export function findMistakes(
  table: Table,
  options: object,
  names: readonly string[] = Object.keys(table),
): readonly (readonly [name: string, ...Mistake])[] {
  const isGiven = (name: string) => {
    const { value } = find(options, name)
    return value !== undefined && (value as Partial<unknown[]> | null)?.length !== 0
  }
  const must = (name: string) => listed(table[name]?.check(undefined, options))[0]?.[1]
  return names.flatMap(name => {
    const { required, needs, excludes, check } = table[name] ?? {}
    const { group, holder, value } = find(options, name)
    const foundIn = (): Found => {
      if (value === undefined) {
        const cause = group && `, which the rest of ${group} needs`
        return required && holder ? `is missing${cause}: it ${must(name)}` : undefined
      }
      if (needs !== undefined && isGiven(name) && !isGiven(needs))
        return `needs ${labelOf(table, needs)}, which is missing: it ${must(needs)}`
      if (excludes !== undefined && value && find(options, excludes).value !== undefined)
        return `can't be used beside ${labelOf(table, excludes)}: take one of them away`
      return check?.(value, options)
    }
    return listed(foundIn()).map(found => [name, ...found] as const)
  })
}

/** Finds the mistakes in an object whose members a table lists: those that it doesn't list are unknown. */
export function findMemberMistakes(
  members: Readonly<Record<string, Check | Option>>,
  value: object,
): readonly Mistake[] {
  const known = Object.keys(members)
  const rows = Object.entries(members).map(([name, row]) => [
    name,
    typeof row === 'function' ? { check: row } : row,
  ])
  return [
    ...Object.keys(value)
      .filter(member => !known.includes(member))
      .map((member): Mistake => {
        const meant = nearestName(member, known)
        return [
          `.${member}`,
          `is unknown: ${meant === undefined ? `it may be ${known.join(', ')}` : `write ${meant}`}`,
        ]
      }),
    ...findMistakes(Object.fromEntries(rows), value).map(
      ([member, at, what]): Mistake => [`.${member}${at}`, what],
    ),
  ]
}

/** Names an option, or a part of it, for an error: the variable first, then the option of code. */
export function labelOf(table: Table, name: string, at: string = ''): string {
  const { variable = name } = table[name] ?? {}
  return variable === name ? name + at : `${variable}${at} (${name}${at})`
}

/** Fills in the defaults. A group that isn't given stays so. */
export function withDefaults(table: Table, options: object): object {
  const filled = { ...options }
  for (const [name, row] of Object.entries(table)) {
    const { holder, value } = find(filled, name)
    if (row.default !== undefined && holder && value === undefined) setOption(filled, name, row.default)
  }
  return filled
}

/** Sets an option. A group that is given isn't changed: a copy takes its place. */
export function setOption(options: Values, name: string, value: unknown): void {
  const { group, member, holder } = find(options, name)
  if (group === '') options[member] = value
  else options[group] = { ...holder, [member]: value }
}

type Values = Record<string, unknown>

/** Finds an option. Without a `group` its `holder` are the options themselves. */
function find(options: object, name: string) {
  const [member = '', group = ''] = name.split('.').reverse()
  const holder = (group === '' ? options : (options as Values)[group]) as Values | null | undefined
  return { group, member, holder, value: holder?.[member] }
}
