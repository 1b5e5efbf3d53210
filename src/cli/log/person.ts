import { isPseudonym } from '../../ledger/pseudonym.ts'
import { requestGate, requireAnswer } from '../client.ts'
import { member } from '../json.ts'
import { UsageError } from '../terminal.ts'
import { issuerOf, pseudonymsIn, readId, readKey } from './pseudonym.ts'

/** A person, as an option names one. */
interface NamedPerson {
  /** As in `--subject`. */
  readonly option: string
  /** A pseudonym or several with commas between them, an id, or `-` for an id on stdin. */
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
 * Returns the pseudonyms of a person, as a query names them: those given, or those of the id given, under each key.
 *
 * An id becomes pseudonyms on this machine if the keys are here. Otherwise the gate is asked by POST, since
 * proxies keep the URLs that pass. The key of `dev` doesn't count: the gate may be another one.
 *
 * @throws UsageError
 */
async function pseudonymsOf(
  { option, person }: NamedPerson,
  options: PersonOptions,
  { gate, token }: AskedGate,
): Promise<string> {
  if (person.split(',').every(isPseudonym)) return person
  if (/^psn_[0-9a-f]*$/.test(person)) {
    throw new UsageError(
      `${option} ${person} is only the beginning of a pseudonym`,
      '--wide shows it in full',
    )
  }
  const id = person === '-' ? await readId() : person
  if (id === '') throw new UsageError(`${option} is empty`, 'name a pseudonym or an id')
  const place = readKey(options)
  if (place !== undefined) return (await pseudonymsIn(place, issuerOf(place, options.issuer), id)).join()

  const response = await requestGate(new URL('/console/api/pseudonym', gate), await token(), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    // JSON has no undefined: without an issuer the gate takes the only one that it trusts.
    body: JSON.stringify({ subject: id, issuer: options.issuer }),
  })
  const answer: unknown = await (await requireAnswer(response, 'operate')).json()
  // A gate before 0.7.0 has one key, and answers the pseudonym under it alone.
  const pseudonyms = [member(answer, 'pseudonyms') ?? member(answer, 'pseudonym')].flat()
  if (pseudonyms.length === 0 || !pseudonyms.every(one => typeof one === 'string' && isPseudonym(one))) {
    throw new Error('the gate answered no pseudonym')
  }
  return pseudonyms.join()
}

/**
 * Returns the pseudonyms of the people that `--subject` and `--owner` name, by parameter of the API.
 *
 * @throws UsageError
 */
export async function pseudonymsOfPeople(
  values: PersonOptions & Readonly<Partial<Record<'subject' | 'owner', string | undefined>>>,
  asked: AskedGate,
): Promise<Readonly<Record<string, string>>> {
  if (values.subject === '-' && values.owner === '-') {
    throw new UsageError('--subject and --owner are both -', 'only one of them can be read from stdin')
  }
  const found: Record<string, string> = {}
  for (const name of ['subject', 'owner'] as const) {
    const person = values[name]
    if (person !== undefined) found[name] = await pseudonymsOf({ option: `--${name}`, person }, values, asked)
  }
  return found
}
