import { isPseudonym } from '../../ledger/pseudonym.ts'
import { requestGate, requireAnswer } from '../client.ts'
import { stringMember } from '../json.ts'
import { issuerOf, pseudonymIn, readId, readKey } from '../pseudonym.ts'
import { UsageError } from '../terminal.ts'

/** A person, as an option names one. */
export interface NamedPerson {
  /** As in `--subject`. */
  readonly option: string
  /** A pseudonym, an id, or `-` for an id on stdin. */
  readonly person: string
}

/** Where the issuer and the key are, as the options say. */
export interface PersonOptions {
  readonly issuer?: string | undefined
  readonly vars?: string | undefined
}

/** The gate whose log is read. */
export interface AskedGate {
  readonly gate: URL
  readonly token: () => Promise<string>
}

/**
 * Returns the pseudonym of a person: the one given, or that of the id given.
 *
 * An id becomes a pseudonym on this machine if the key of pseudonyms is here. Otherwise the gate is asked by POST, since
 * proxies keep the URLs that pass. The key of `dev` doesn't count: the gate may be another one.
 *
 * @throws UsageError
 */
export async function pseudonymOf(
  { option, person }: NamedPerson,
  options: PersonOptions,
  { gate, token }: AskedGate,
): Promise<string> {
  if (isPseudonym(person)) return person
  if (/^psn_[0-9a-f]*$/.test(person)) {
    throw new UsageError(
      `${option} ${person} is only the beginning of a pseudonym`,
      '--wide shows it in full',
    )
  }
  const id = person === '-' ? await readId() : person
  if (id === '') throw new UsageError(`${option} is empty`, 'name a pseudonym or an id')
  const place = readKey(options)
  if (place !== undefined) return pseudonymIn(place, issuerOf(place, options.issuer), id)

  const response = await requestGate(new URL('/console/api/pseudonym', gate), await token(), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    // JSON has no undefined: without an issuer the gate takes the only one that it trusts.
    body: JSON.stringify({ subject: id, issuer: options.issuer }),
  })
  const answer: unknown = await (await requireAnswer(response)).json()
  const pseudonym = stringMember(answer, 'pseudonym')
  if (pseudonym === undefined || !isPseudonym(pseudonym)) throw new Error('the gate answered no pseudonym')
  return pseudonym
}
