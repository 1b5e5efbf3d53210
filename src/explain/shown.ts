import type { Entry } from '../authenticate/entry.ts'
import { printable } from '../base/operator.ts'
import { containsToken } from '../locate/names.ts'

// What may be shown of a token. Anyone can send one, so its claims can hold anything: a line break and a forged line of the
// log, an escape sequence that a terminal obeys, a person's address.

// RFC 3986 3.1 to 3.3, without user, query and fragment. "@" may be an address of a person in a path.
const HTTPS_URL = /^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[A-Za-z0-9._~:/!$&'()*+,;=%-]*)?(?=$|[?#])/
/** What names an app or a service, and not a person: no address, and no number as short as a phone's or a patient's. */
const NAME_OF_A_THING = /^(?!\d{1,15}$)[A-Za-z0-9][A-Za-z0-9._:/-]*$/
const ALGORITHM = /^[A-Za-z0-9+-]{1,32}$/
/** Most audiences of one token that are shown. */
const MAX_AUDIENCES = 3

/** Writes a string in quotes, within one line and without anything that a terminal obeys. Cuts it if it is long. */
export function quoted(value: string): string {
  return `"${printable(value.replace(/["\\]/g, '\\$&'))}"`
}

/** Writes some values in quotes, the first few of them. */
export function quotedList(values: readonly string[], most: number = MAX_AUDIENCES): string {
  const more = values.length - most
  const shown = values.slice(0, most).map(quoted)
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** Describes the `iss` of a token that may be anyone's: only an https URL is shown, without its query and fragment. */
export function shownIssuer(iss: unknown): string {
  if (typeof iss !== 'string') return iss === undefined ? 'no iss' : 'an iss that is not a string'
  const [url] = HTTPS_URL.exec(iss) ?? []
  if (url === undefined || containsToken(url)) return 'an iss that is not shown, as it is not an https URL'
  return `the iss ${quoted(url)}${url === iss ? '' : ' with a query or fragment'}`
}

/** Describes the `aud` of a token that may be anyone's: only what looks like the name of a thing is shown. */
export function shownAudience(aud: unknown): string {
  if (aud === undefined || aud === null) return 'no aud'
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (values.length === 0 || aud === '') return 'an empty aud'
  const shown = values.filter(isNameOfThing)
  if (shown.length === 0) return 'an aud that is not shown, as it does not look like the name of a service'
  const hidden = values.length - shown.length
  return `the aud ${quotedList(shown)}${hidden === 0 ? '' : ` (not shown: ${hidden})`}`
}

const isNameOfThing = (value: unknown): value is string =>
  typeof value === 'string' &&
  (HTTPS_URL.exec(value)?.[0] === value || NAME_OF_A_THING.test(value)) &&
  !containsToken(value)

/** Describes the `alg` of a token that may be anyone's. */
export function shownAlgorithm(alg: unknown): string {
  if (typeof alg !== 'string') return 'no alg'
  return ALGORITHM.test(alg) ? `the alg ${quoted(alg)}` : 'an alg that is not one'
}

/** Names an entry by its issuer, and by its name if that is another one. */
export const shownEntry = ({ name, issuer }: Pick<Entry, 'name' | 'issuer'>): string =>
  `${quoted(issuer)}${name === issuer ? '' : ` (entry ${quoted(name)})`}`
