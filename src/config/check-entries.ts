import { listOf } from '../authenticate/audience.ts'
import { inTenant, nameOf, pathOf } from '../authenticate/entry.ts'
import type { Introspection } from '../authenticate/introspection/introspection.ts'
import { opaquePlacesOf } from '../authenticate/introspection/opaque-tokens.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import { findConflicts } from './checks.ts'
import type { Mistake } from './option.ts'

/** Finds the mistakes that two entries make together. Each of them is right by itself. */
export const checkEntries = (entries: readonly Issuer[]): readonly Mistake[] =>
  findConflicts(entries, conflict)

/** Returns what is wrong with an entry beside an earlier one. */
function conflict(entry: Issuer, other: Issuer, at: string): string | undefined {
  if (isOneTooMany(entry, other)) {
    return `introspects as ${at} does, and an opaque token doesn't say whose it is: give one of them a header or cookie of its own, or both the same issuer and introspection`
  }
  const isNamesake = nameOf(entry) === nameOf(other)
  if (!issuersOf(entry).some(issuer => issuersOf(other).includes(issuer))) {
    return isNamesake ? `has the name of ${at}: the log could not tell them apart` : undefined
  }
  if (!isDisjoint(entry, other)) {
    return `has the issuer of ${at}, and a token could fit both: give them different audiences or clients, or make them one`
  }
  if (isNamesake) return `has the issuer of ${at}: give one of them a name, such as "staff"`
  const [subjects, others] = [entry, other].map(subjectsOf)
  return subjects !== others && entry.owns !== false && other.owns !== false
    ? `takes its subjects from ${subjects} and ${at} from ${others}, so one id could be two people: set "owns": false in the one whose subjects are not patients`
    : undefined
}

/** Whether two issuers would have to be asked about a token in the same place: one of them would get to know the other's. */
function isOneTooMany(entry: Issuer, other: Issuer): boolean {
  if (entry.introspection === undefined || other.introspection === undefined) return false
  const places = opaquePlacesOf(other)
  if (!opaquePlacesOf(entry).some(place => places.includes(place))) return false
  return entry.issuer !== other.issuer || endpointOf(entry.introspection) !== endpointOf(other.introspection)
}

const endpointOf = ({ url, client_id, method = 'client_secret_basic' }: Introspection): string =>
  JSON.stringify([url, client_id, method])

/** Whether no honest token fits both entries: by its audience or by its client. */
function isDisjoint(one: Issuer, other: Issuer): boolean {
  return shareNothing(meant(one), meant(other)) || shareNothing(one.clients, other.clients)
}

/** Without `audience`, `aud` may be a client. */
const meant = ({ audience, clients }: Issuer): readonly string[] | undefined =>
  audience === undefined ? clients : listOf(audience)

const shareNothing = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
  one !== undefined && other !== undefined && !one.some(value => other.includes(value))

/** Says where an entry finds a subject. A claim `a.b` is another one than `b` in `a`. */
function subjectsOf({ subject_claim = 'sub', fhir_base }: Issuer): string {
  const path = pathOf(subject_claim)
  const claim = JSON.stringify(path.length === 1 ? path[0] : path)
  return fhir_base === undefined ? claim : `${claim} of "${fhir_base}"`
}

const issuersOf = ({ issuer, tenants }: Issuer): readonly string[] =>
  tenants?.map(tenant => inTenant(issuer, tenant)) ?? [issuer]
