import { MAKE_SECRET } from '../base/secret.ts'
import { MAX_KEYS, MIN_KEY_LENGTH } from '../ledger/pseudonym.ts'
import { isListOf, isString } from './checks.ts'
import type { Found, Mistake } from './option.ts'

const RULE = `must be a secret of at least ${MIN_KEY_LENGTH} characters: ${MAKE_SECRET}`

/**
 * Finds the mistakes in the keys of a secret that is replaced step by step: the first one writes, all of them read. A list
 * with a mistake is refused as a whole, as what one of its keys has written would not be found, and nothing would say so.
 */
export function checkRotatedKeys(value: unknown): Found {
  if (!isListOf(value)) return RULE
  if (value.length > MAX_KEYS) return `must be at most ${MAX_KEYS} keys: remove the oldest ones`
  return value.flatMap((key: unknown, index): readonly Mistake[] => {
    const what = mistakeIn(key, value.slice(0, index))
    return what === undefined ? [] : [[value.length === 1 ? '' : `[${index}]`, what]]
  })
}

/** Finds the mistakes in such keys that may be given in code as a string, too, if there is only one. */
export function checkKeyOrKeys(value: unknown): Found {
  if (typeof value !== 'string') return checkRotatedKeys(value)
  // As of an app that passes a variable on in which an operator has put a second key.
  return value.includes(',')
    ? 'must be a list if it has a comma: split it at the commas between keys'
    : checkRotatedKeys([value])
}

function mistakeIn(key: unknown, before: readonly unknown[]): string | undefined {
  if (key === '' && before.length > 0) return 'must not be empty: remove the comma before it'
  if (!isString(key) || key.length < MIN_KEY_LENGTH) return RULE
  if (before.length > 0 && key !== key.trim()) return 'must not begin or end with a blank'
  return before.includes(key) ? 'must differ from the keys before it: remove it' : undefined
}
