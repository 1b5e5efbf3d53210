/** Names with fewer letters are a letter away from many others. */
const MIN_LENGTH = 7

/** What other libraries call a member of an issuer's entry. */
const ALIASES: Readonly<Record<string, string>> = {
  iss: 'issuer',
  aud: 'audience',
  sub: 'subject_claim',
  alg: 'algorithms',
  algs: 'algorithms',
  clientid: 'clients',
  clientids: 'clients',
  jwksurl: 'jwks_uri',
  keys: 'jwks',
}

/** Finds the known name that an unknown one is meant to be, in whatever style it is written. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const bare = lettersOf(name)
  const alias = Object.hasOwn(ALIASES, bare) ? ALIASES[bare] : undefined
  if (alias !== undefined && known.includes(alias)) return alias
  return (
    known.find(one => lettersOf(one) === bare) ??
    known.find(one => isNear(bare, lettersOf(one), one.length >= MIN_LENGTH ? 2 : 1))
  )
}

/** Whether two names have the same letters, in any order, but for a few that are missing or too many. */
export function isNear(name: string, known: string, most: number): boolean {
  const extra = [...known].reduce((rest, letter) => rest.replace(letter, ''), name).length
  const missing = known.length - (name.length - extra)
  return extra + missing <= most
}

const lettersOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')
