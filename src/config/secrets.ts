import { isObject } from '../base/json.ts'
import { Secret } from '../base/secret.ts'
import { isString } from './checks.ts'
import type { Check } from './option.ts'

// A variable that is JSON holds no secret: it is shown in consoles, and kept in repositories. In place of a secret it has
// {"secret":"NAME"}, and the variable NAME holds the secret.

type Values = Readonly<Record<string, unknown>>

/** As the names of variables are written. Also keeps a secret that was written there by mistake out of the message. */
const NAME = /^[A-Z][A-Z0-9_]{0,63}$/
/** The variables of single runtimes, which the table of options doesn't have. */
const OF_RUNTIMES =
  /^(?:S3_.*|ALLOW_(?:NO_SPOOL|UNVERIFIED_DATABASE)|DATABASE_URL|DATA_DIR|HOST|PORT|ADDRESS_HEADER)$/
/** How a secret is written in a variable that is JSON, which is no place for the secret itself. */
export const SECRET_SHAPE = 'must be {"secret":"NAME"}, and the variable NAME must hold the secret'

/** Takes the place of a secret that can't be had, until the options are checked. */
class MissingSecret {
  /** What is wrong, and how to fix it. Quotes no secret. */
  readonly mistake: string

  constructor(mistake: string) {
    this.mistake = mistake
  }
}

/** Accepts a secret: a plain string in code, or one that was found in the variable that names it. */
export const checkSecret: Check = value => {
  if (value instanceof MissingSecret) return value.mistake
  return value instanceof Secret || isString(value) ? undefined : 'must be a secret, a non-empty string'
}

/**
 * Replaces the names of secrets in a parsed variable by the secrets, and returns it. One that can't be had is a mistake
 * only when the options are checked: a command that reads nothing but the issuers' names needs no secret.
 *
 * @param paths the members of its items that are secrets, such as `introspection.client_secret`
 * @param taken the variables that the gate reads itself. The key of its tickets must not be sent to an issuer.
 */
export function resolveSecrets(
  parsed: unknown,
  paths: readonly string[],
  variables: Values,
  taken: readonly string[],
): unknown {
  for (const { holder, member } of findSecrets(parsed, paths)) {
    holder[member] = secretOf(holder[member], variables, taken)
  }
  return parsed
}

/** Lists the variables that a parsed variable names for its secrets. */
export function secretVariables(parsed: unknown, paths: readonly string[]): readonly string[] {
  return findSecrets(parsed, paths).flatMap(({ holder, member }) => nameIn(holder[member]) ?? [])
}

function secretOf(reference: unknown, variables: Values, taken: readonly string[]): Secret | MissingSecret {
  const name = nameIn(reference)
  if (name === undefined) return new MissingSecret(SECRET_SHAPE)
  if (taken.includes(name) || OF_RUNTIMES.test(name)) {
    return new MissingSecret(
      `names the variable ${name}, which the gate reads itself: give the secret a variable of its own`,
    )
  }
  const value = variables[name]
  return typeof value === 'string' && value.trim() !== ''
    ? new Secret(value.trim())
    : new MissingSecret(`names the variable ${name}, which is missing or blank`)
}

function nameIn(reference: unknown): string | undefined {
  if (!isObject(reference) || Object.keys(reference).length !== 1) return undefined
  const { secret } = reference
  return typeof secret === 'string' && NAME.test(secret) ? secret : undefined
}

/** A member of an object or a list. */
interface Place {
  readonly holder: Record<string | number, unknown>
  readonly member: string | number
}

/** Finds the members that are there, whatever they are. */
function findSecrets(parsed: unknown, paths: readonly string[]): readonly Place[] {
  if (!Array.isArray(parsed)) return []
  return parsed.flatMap(item =>
    paths.flatMap((path): readonly Place[] => {
      const groups = path.split('.')
      const [member = '', isSeveral] = (groups.pop() ?? '').split('[')
      const holder = groups.reduce<unknown>(
        (value, name) => (isObject(value) ? value[name] : undefined),
        item,
      )
      if (!isObject(holder) || !Object.hasOwn(holder, member)) return []
      const value = holder[member]
      // Several secrets, as during a rotation.
      return Array.isArray(value) && isSeveral !== undefined
        ? value.map((_, i) => ({ holder: value as never, member: i }))
        : [{ holder, member }]
    }),
  )
}
