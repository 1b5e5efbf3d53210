import { type Check, type Found, listed, type Mistake } from './option.ts'

// The rules that rows of the table are built from. Each takes a value of any type.

/** Accepts what `test` accepts. */
export function rule(what: string, test: (value: unknown) => boolean): Check {
  return value => (test(value) ? undefined : what)
}

/** Accepts a number within a range, both ends included; with `Number.isInteger` for `isNumber`, a whole one. */
export function number(
  what: string,
  min: number,
  max: number,
  isNumber: (value: unknown) => boolean = Number.isFinite,
): Check {
  return rule(
    `must be ${what} from ${min} to ${max}`,
    value => isNumber(value) && (value as number) >= min && (value as number) <= max,
  )
}

/** Accepts one of some values. */
export function oneOf(...values: readonly unknown[]): Check {
  return rule(`must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`, value =>
    values.includes(value),
  )
}

/** Accepts a list, which may be empty, if `check` accepts each of its members, and then `together` all of them. */
export function each<One>(check: Check, together: (all: readonly One[]) => Found = () => undefined): Check {
  return (value, options) => {
    if (!Array.isArray(value))
      return `must be a list, and each of its members ${listed(check(undefined, options))[0]?.[1]}`
    const mistakes = value.flatMap((one, index) =>
      listed(check(one, options)).map(([at, what]) => [`[${index}]${at}`, what] as const),
    )
    return mistakes.length > 0 ? mistakes : together(value)
  }
}

/** Finds the members of a list that can't be beside an earlier one: `conflict` says why, and calls that one `at`. */
export function findConflicts<One>(
  all: readonly One[],
  conflict: (one: One, earlier: One, at: string) => string | undefined,
): readonly Mistake[] {
  return all.flatMap((one, index) => {
    const [what] = all.slice(0, index).flatMap((earlier, at) => conflict(one, earlier, `[${at}]`) ?? [])
    return what === undefined ? [] : [[`[${index}]`, what] as const]
  })
}

/** Accepts a string that a pattern matches. */
export function matching(what: string, pattern: RegExp): Check {
  return rule(what, value => typeof value === 'string' && pattern.test(value))
}

/** Whether a value is a string with at least one character. */
export function isString(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Whether a value is a list with at least one member, and `test` accepts each of them. */
export function isListOf(
  value: unknown,
  test: (member: unknown) => boolean = () => true,
): value is unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(test)
}
