import { CLIENT_CLAIMS, listOf } from '../authenticate/audience.ts'
import { claimAt, isPresent } from '../authenticate/claim-value.ts'
import { claimName } from '../authenticate/entry.ts'
import type { Advice, Advise, RefusedToken } from './refused-token.ts'
import { quoted, quotedList } from './shown.ts'

/** Says which claim a token lacks, or how its form is wrong, and which member of the entry asks for it. */
export function adviseOnMissingClaim(refused: RefusedToken): Advice | undefined {
  const { entry, payload, facts } = refused
  const { claim = '' } = facts
  const { subject_claim = 'sub', tenant_claim, required_claims = {} } = entry ?? {}
  const ids = [
    ['subject', subject_claim, 'is longer than 255 characters'],
    ['tenant', tenant_claim, 'is not 1 to 64 of letters, digits and "._:/-"'],
  ] as const
  const [what, path, otherwise = ''] =
    ids.find(([, one]) => one !== undefined && claim === claimName(one)) ?? []
  if (path !== undefined) {
    return [
      `the ${what} claim ${quoted(claim)} of a token ${flawOf(claimAt(payload, path), otherwise)}`,
      `have the provider write a string that fits, or name the claim that holds the ${what} in "${what}_claim"`,
    ]
  }
  // A claim can have the name of a member of every object, such as `constructor`.
  const named = Object.hasOwn(OF_CLAIM, claim) ? OF_CLAIM[claim] : undefined
  if (named !== undefined) return typeof named === 'function' ? named(refused) : named
  return Object.hasOwn(required_claims, claim)
    ? [
        `"required_claims" asks for ${quoted(claim)}, which a token lacks`,
        'have the provider write it, or take it out of "required_claims"',
      ]
    : [
        `a token lacks ${quoted(claim)}`,
        'have the provider write it: it says whether the subject is who is logged in',
      ]
}

const OF_CLAIM: Readonly<Record<string, Advise>> = {
  aud: ({ entry, payload }) => {
    const client = CLIENT_CLAIMS.find(name => isPresent(payload[name]))
    return [
      `a token has no aud; "audience" is ${quotedList(listOf(entry?.audience))}`,
      `have the provider write it${client === undefined ? '' : `, or list the apps in "clients" in place of "audience", as the token has "${client}"`}`,
    ]
  },
  client_id: [
    `a token names no client: it has none of ${CLIENT_CLAIMS.join(', ')}`,
    'have the provider write one, or set "audience" in place of "clients"',
  ],
  exp: adviseOnTime,
  nbf: adviseOnTime,
  iat: adviseOnTime,
  tid: [
    'a token has no tid, which must be the tenant in its iss',
    'have the provider write it: Microsoft Entra always does',
  ],
  'act.sub': [
    'the actor ("act") of a token has no id',
    'have the provider write its "sub" into "act": records name who acts',
  ],
}

function adviseOnTime({ payload, facts: { claim = '' } }: RefusedToken): Advice {
  const value = payload[claim]
  const found = `${quoted(claim)} of a token`
  if (value !== undefined) {
    return [
      `${found} is not a time in seconds since 1970`,
      'have the provider write a number of seconds, not milliseconds',
    ]
  }
  return claim === 'iat'
    ? [`${found} is missing, and "max_age_s" needs it`, 'have the provider write it, or take "max_age_s" out']
    : [`${found} is missing`, 'have the provider write it: no token may last for ever']
}

/** Says what keeps a value from being an id. Never the value. */
function flawOf(value: unknown, otherwise: string): string {
  if (!isPresent(value)) return 'is missing'
  if (value === '') return 'is empty'
  return typeof value === 'string' ? otherwise : 'is not a string'
}
