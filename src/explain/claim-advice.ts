import { listOf } from '../authenticate/audience.ts'
import { claimName } from '../authenticate/entry.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import type { Reason } from '../reason.ts'
import { adviseOnMissingClaim } from './missing-claim-advice.ts'
import { type Advice, type Advise, isProven, type RefusedToken } from './refused-token.ts'
import { entryName, quoted, quotedList, shownAudience } from './shown.ts'

const A_DAY = 86_400

/** Advice on claims that an entry doesn't accept. But for {@link adviseOnAudience}, a good signature comes first. */
export const CLAIM_ADVICE: Readonly<Partial<Record<Reason, Advise>>> = {
  token_audience: adviseOnAudience,
  token_client: ({ entry, facts: { claim = '' } }) => ({
    found: `a token for ${entryName(entry)} was issued to a client (${claim}) that "clients" doesn't list`,
    fix: `add its ${claim} to "clients" if that app may play: the record of the refusal names it`,
  }),
  token_claim_missing: adviseOnMissingClaim,
  token_claim_value: ({ entry, facts: { claim = '' } }) =>
    claim === 'tid'
      ? {
          found: `the tid of a token for ${entryName(entry)} is not the tenant in its iss`,
          fix: 'have the provider write the tenant that the user signed in to',
        }
      : {
          found: `${quoted(claim)} of a token for ${entryName(entry)} has none of the values in "required_claims": ${requiredValues(entry, claim)}`,
          fix: 'add its value to "required_claims" if that is enough, or have the app ask the provider for one of these',
        },
  token_subject: adviseOnSubject,
  token_place: ({ entry }) => ({
    found: `a token for ${entryName(entry)} came in a header or cookie that another entry names`,
    fix: `name it in "header" or "cookie" of ${entryName(entry)}, or have the proxy send its own issuer's token`,
  }),
  token_type: ({ entry, facts: { claim } }) =>
    claim === undefined
      ? {
          found: `a token for ${entryName(entry)} has a "typ" that is not an access token's (JWT or at+jwt)`,
          fix: 'send the access token, and not a logout token or a proof',
        }
      : {
          found: `a token for ${entryName(entry)} reports an event (${quoted(claim)}), so it is not an access token`,
          fix: 'send the access token that the user signed in for',
        },
  token_actor: ({ entry }) => ({
    found: `"act" in a token for ${entryName(entry)} says that another person acts for the subject`,
    fix: `set "allow_actor" of ${entryName(entry)} if such a person may see what the patient sees`,
  }),
  token_expired: adviseOnExpired,
  token_not_yet_valid: ({ entry, payload, at }) => ({
    found: `a token for ${entryName(entry)} becomes valid in ${secondsUntil(payload, at)} s`,
    fix: 'set the clocks of this machine and of the provider; "clock_tolerance_s" may be up to 300',
  }),
  token_too_old: ({ entry }) => ({
    found: `a token for ${entryName(entry)} was issued longer ago than "max_age_s" (${entry?.max_age_s}) allows`,
    fix: `have the app get a new token more often, or raise "max_age_s" of ${entryName(entry)}`,
  }),
}

function adviseOnAudience({ entry, facts, payload, entries }: RefusedToken): Advice {
  const came = shownAudience(payload.aud)
  if (!isProven(facts)) {
    const names = entries.filter(({ issuer }) => issuer === payload.iss).map(({ name }) => name)
    return {
      found: `a token with ${came} fits none of the entries of its issuer, or two: ${quotedList(names)}`,
      fix: 'compare its aud and its client with "audience" and "clients" of each of them',
    }
  }
  const { audience } = entry ?? {}
  if (audience === undefined) {
    return {
      found: `a token for ${entryName(entry)} has ${came}, and "clients" alone takes no other audience than a client`,
      fix: `set "audience" of ${entryName(entry)} if this aud means this gate`,
    }
  }
  const ours = quotedList(listOf(audience))
  return {
    found: `a token for ${entryName(entry)} has ${came}; "audience" is ${ours}`,
    fix: `have the app ask for a token for ${ours}, or add the aud to "audience" if it means this gate`,
  }
}

function adviseOnSubject({ entry, facts: { claim = '' } }: RefusedToken): Advice {
  const subject = claimName(entry?.subject_claim ?? 'sub')
  return claim === 'fhirUser'
    ? {
        found: `"fhirUser" of a token for ${entryName(entry)} is not "Patient/" and the id in ${quoted(subject)}`,
        fix: 'have the patient log in, and set "fhir_base" if fhirUser is a URL',
      }
    : {
        found: `${quoted(claim)} of a token for ${entryName(entry)} is not true, so ${quoted(subject)} proves no person`,
        fix: 'have the provider verify the address, or take the subject from "sub"',
      }
}

/** A token expires in normal use. Only one that expired long ago shows that a clock or an app is wrong. */
function adviseOnExpired({ entry, payload: { exp }, at }: RefusedToken): Advice | undefined {
  const days = typeof exp === 'number' ? Math.floor((at / 1000 - exp) / A_DAY) : 0
  if (days < 1) return undefined
  return {
    found: `a token for ${entryName(entry)} expired ${days === 1 ? 'a day' : `${days} days`} ago`,
    fix: 'check the clock of this machine, and that the app gets a new token before the old one ends',
  }
}

/** In tens: how far two clocks differ is not known to the second. */
function secondsUntil({ nbf, iat }: RefusedToken['payload'], at: number): number {
  const times = [nbf, iat].filter(time => typeof time === 'number')
  return 10 * Math.ceil((Math.max(0, ...times) - at / 1000) / 10)
}

function requiredValues({ required_claims = {} }: Partial<Issuer> = {}, claim: string): string {
  const required = required_claims[claim]
  return quotedList([required ?? []].flat().map(String))
}
