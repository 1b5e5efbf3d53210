import { logToOperator } from '../base/operator.ts'
import { isNear } from './nearest-name.ts'

/** Names that begin as the gate's do, and as those of no common program. */
const OURS = /^(?:MEDIAWARD|TICKETS?|PSEUDONYM|CONCEALED)_\w{1,64}$/
/** Names that are shorter, such as PORT and HOST, are a letter away from those of other programs. */
const MIN_LENGTH = 7

/**
 * Warns the operator of each variable that looks like one of the gate's and isn't read: under a misspelled name an option
 * keeps its default. Values are never written. It isn't an error, since an environment also holds variables of other
 * programs.
 */
export function warnOfUnknownVariables(names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    const meant = intendedVariable(name, known)
    if (meant !== undefined)
      logToOperator(`the variable ${name} is not read${meant && `: is it meant to be ${meant}?`}`)
  }
}

/**
 * Finds the variable that an unknown name is meant to be.
 *
 * @returns `''` if the name begins as the gate's do but is like none of them, undefined if it is known or another program's
 */
export function intendedVariable(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined
  const bare = name.toUpperCase().replace('MEDIAWARD_', '')
  return (
    known.find(one => one.length >= MIN_LENGTH && isNear(bare, one, 2)) ?? (OURS.test(name) ? '' : undefined)
  )
}
