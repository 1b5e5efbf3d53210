import type { Check } from './option.ts'

// The rules that rows of the table are built from. Each takes a value of any type.

/** Accepts what `test` accepts. */
export function rule(what: string, test: (value: unknown) => boolean): Check {
  return value => (test(value) ? [] : [['', what]])
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

/** Accepts a list, which may be empty, if `check` accepts each of its members. */
export function each(check: Check): Check {
  return (value, options) =>
    Array.isArray(value)
      ? value.flatMap((one, index) =>
          check(one, options).map(([at, what]) => [`[${index}]${at}`, what] as const),
        )
      : [['', `must be a list, and each of its members ${check(undefined, options)[0]?.[1]}`]]
}

/** Accepts a string that a pattern matches. */
export function matching(what: string, pattern: RegExp): Check {
  return rule(what, value => typeof value === 'string' && pattern.test(value))
}

/** Whether a value is a string with at least one character. */
export function isString(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
