import { listOf } from '../authenticate/audience.ts'
import { claimName } from '../authenticate/entry.ts'
import type { Reason } from '../reason.ts'
import { adviseOnMissingClaim } from './missing-claim-advice.ts'
import { type Advice, type Advise, isProven, type RefusedToken } from './refused-token.ts'
import { quoted, quotedList, shownAudience } from './shown.ts'

const A_DAY = 86_400

/** Advice on claims that an entry doesn't accept. But for {@link adviseOnAudience}, a good signature comes first. */
export const CLAIM_ADVICE: Readonly<Partial<Record<Reason, Advise>>> = {
  token_audience: adviseOnAudience,
  token_client: ({ facts: { claim = '' } }) => [
    `a token was issued to a client (${claim}) that "clients" doesn't list`,
    `add its ${claim} to "clients" if that app may play: the record names it`,
  ],
  token_claim_missing: adviseOnMissingClaim,
  token_claim_value: ({ entry, facts: { claim = '' } }) =>
    claim === 'tid'
      ? ['the tid of a token is not the tenant in its iss', "have the provider write the user's tenant"]
      : [
          `${quoted(claim)} of a token has none of the values in "required_claims": ${quotedList([entry?.required_claims?.[claim] ?? []].flat().map(String))}`,
          'add its value if that is enough, or have the app ask the provider for one of these',
        ],
  token_subject: adviseOnSubject,
  token_place: [
    'a token came in a header or cookie that another entry names',
    'name it in "header" or "cookie" of this entry, or have the proxy send its own issuer\'s token',
  ],
  token_type: ({ facts: { claim } }) => [
    claim === undefined
      ? 'a token has a "typ" that is not an access token\'s (JWT or at+jwt)'
      : `a token reports an event (${quoted(claim)}), so it is no access token`,
    'send the access token, not a logout token or a proof',
  ],
  token_actor: [
    '"act" in a token says that another person acts for the subject',
    'set "allow_actor" if such a person may see what the patient sees',
  ],
  token_expired: adviseOnExpired,
  token_not_yet_valid: ({ payload, at }) => [
    `a token becomes valid in ${secondsUntil(payload, at)} s`,
    'set the clocks of this machine and the provider; "clock_tolerance_s" may be up to 300',
  ],
  token_too_old: ({ entry }) => [
    `a token was issued longer ago than "max_age_s" (${entry?.max_age_s}) allows`,
    'have the app get a new token more often, or raise "max_age_s"',
  ],
}

function adviseOnAudience({ entry, facts, payload, entries }: RefusedToken): Advice {
  const came = `a token has ${shownAudience(payload.aud)}`
  if (!isProven(facts)) {
    const names = entries.filter(({ issuer }) => issuer === payload.iss).map(({ name }) => name)
    return [
      `${came}, and fits none of the entries of its issuer, or two: ${quotedList(names)}`,
      'compare its aud and client with "audience" and "clients" of each',
    ]
  }
  if (entry?.audience === undefined) {
    return [
      `${came}, and "clients" alone takes no other audience than a client`,
      'set "audience" if this aud means this gate',
    ]
  }
  const ours = quotedList(listOf(entry.audience))
  return [
    `${came}; "audience" is ${ours}`,
    `have the app ask for a token for ${ours}, or add the aud to "audience" if it means this gate`,
  ]
}

function adviseOnSubject({ entry, facts: { claim = '' } }: RefusedToken): Advice {
  const subject = quoted(claimName(entry?.subject_claim ?? 'sub'))
  return claim === 'fhirUser'
    ? [
        `"fhirUser" of a token is not "Patient/" and the id in ${subject}`,
        'have the patient log in, and set "fhir_base" if fhirUser is a URL',
      ]
    : [
        `${quoted(claim)} of a token is not true, so ${subject} proves no person`,
        'have the provider verify it, or take the subject from "sub"',
      ]
}

/** A token expires in normal use. Only one that expired long ago shows that a clock or an app is wrong. */
function adviseOnExpired({ payload: { exp }, at }: RefusedToken): Advice | undefined {
  const days = typeof exp === 'number' ? Math.floor((at / 1000 - exp) / A_DAY) : 0
  if (days < 1) return undefined
  return [
    `a token expired ${days === 1 ? 'a day' : `${days} days`} ago`,
    'check the clock of this machine, and that the app renews its token in time',
  ]
}

/** In tens: how far two clocks differ is not known to the second. */
function secondsUntil({ nbf, iat }: RefusedToken['payload'], at: number): number {
  const times = [nbf, iat].filter(time => typeof time === 'number')
  return 10 * Math.ceil((Math.max(0, ...times) - at / 1000) / 10)
}
