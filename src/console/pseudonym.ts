import type { AnalystRoute, AnalystServices } from '../authenticate/analyst.ts'
import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import type { Pseudonyms } from '../ledger/pseudonym.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { analystCallEndpoint } from './analyst-endpoint.ts'
import { invalidQuery } from './query.ts'

/** Most bytes of a call. */
const ROUTE: AnalystRoute = { action: 'operate', most: 4096 }
/** Longest id of a person, in characters: no token and no stamp names a longer one. */
const MAX_ID = 255

/** What naming a person by pseudonym takes beside the request. */
export interface PseudonymServices extends AnalystServices {
  readonly issuers: Pick<TrustedIssuers, 'nameSpaceOf' | 'ownerId'>
  /** The only issuer whose subjects can be owners; undefined if there are several. */
  readonly defaultIssuer: string | undefined
  readonly pseudonyms: Pseudonyms
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/**
 * Creates the endpoint that returns the pseudonyms of a person, for an analyst without the keys: the one that records get now,
 * and all of them, in the order of the keys. Requires the role
 * `security`, and a reader who may read anything of the log. The id comes in the body of a POST, because servers and
 * proxies keep URLs. A pseudonym opens nothing: a reader of one tenant finds only records of that tenant by it.
 */
export function pseudonymEndpoint(services: PseudonymServices): Endpoint {
  return analystCallEndpoint(services, ROUTE, async (_, { json }) => {
    const person = readPerson(json, services)
    if (person instanceof Refusal) return person
    const pseudonyms = await services.pseudonyms('subject', person.nameSpace, person.id)
    const [pseudonym] = pseudonyms
    return jsonResponse({ pseudonym, pseudonyms, issuer: person.issuer })
  })
}

/** A person, as an analyst names them. */
interface Person {
  readonly id: string
  readonly issuer: string
  /** Within which the id is that of one person. */
  readonly nameSpace: string
}

function readPerson(json: unknown, { issuers, defaultIssuer }: PseudonymServices): Person | Refusal {
  const { subject, issuer = defaultIssuer } = Object(json) as { subject?: unknown; issuer?: unknown }
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_ID) {
    return invalidQuery(`subject must be an id of 1 to ${MAX_ID} characters`)
  }
  if (issuer === undefined) return invalidQuery('issuer is missing: this gate trusts several')
  // By the id with another issuer the person would be found nowhere, which would seem to prove something.
  const nameSpace = typeof issuer === 'string' ? issuers.nameSpaceOf(issuer) : undefined
  if (typeof issuer !== 'string' || nameSpace === undefined) {
    return invalidQuery(
      'issuer must be one of those that this gate trusts, to the letter, or the name of an entry with "owns": false',
    )
  }
  return { id: issuers.ownerId(issuer, subject), issuer, nameSpace }
}
