import { CLIENT_CLAIMS, listOf } from '../authenticate/audience.ts'
import { claimAt, isPresent } from '../authenticate/claim-value.ts'
import { claimName } from '../authenticate/entry.ts'
import type { Advice, RefusedToken } from './refused-token.ts'
import { entryName, quoted, quotedList } from './shown.ts'

/** Says which claim a token lacks, or how its form is wrong, and which member of the entry asks for it. */
export function adviseOnMissingClaim(refused: RefusedToken): Advice {
  const { entry, facts } = refused
  const { claim = '' } = facts
  const of = `of a token for ${entryName(entry)}`
  const { subject_claim = 'sub', tenant_claim, required_claims = {} } = entry ?? {}
  if (claim === claimName(subject_claim)) {
    return {
      found: `the subject claim ${quoted(claim)} ${of} ${flawOf(claimAt(refused.payload, subject_claim))}`,
      fix: 'have the provider write it as a string, or name the claim that holds the id in "subject_claim"',
    }
  }
  if (tenant_claim !== undefined && claim === claimName(tenant_claim)) {
    return {
      found: `the tenant claim ${quoted(claim)} ${of} ${flawOf(claimAt(refused.payload, tenant_claim), 'is not 1 to 64 of letters, digits and "._:/-"')}`,
      fix: 'have the provider write it so, or name the claim that holds the tenant in "tenant_claim"',
    }
  }
  // A claim can have the name of a member of every object, such as `constructor`.
  const named = Object.hasOwn(OF_CLAIM, claim) ? OF_CLAIM[claim]?.(refused) : undefined
  if (named !== undefined) return named
  return Object.hasOwn(required_claims, claim)
    ? {
        found: `"required_claims" of ${entryName(entry)} asks for ${quoted(claim)}, which a token lacks`,
        fix: 'have the provider write it, or take it out of "required_claims"',
      }
    : {
        found: `${quoted(claim)} ${of} is missing`,
        fix: 'have the provider write it: it says whether the subject is the person who is logged in',
      }
}

const OF_CLAIM: Readonly<Record<string, (refused: RefusedToken) => Advice>> = {
  aud: ({ entry, payload }) => {
    const client = CLIENT_CLAIMS.find(name => isPresent(payload[name]))
    return {
      found: `a token for ${entryName(entry)} has no aud; "audience" is ${quotedList(listOf(entry?.audience))}`,
      fix:
        client === undefined
          ? 'have the provider write the audience into it'
          : `have the provider write it, or list the apps in "clients" in place of "audience", as the token has "${client}"`,
    }
  },
  client_id: ({ entry }) => ({
    found: `a token for ${entryName(entry)} names no client: it has none of ${CLIENT_CLAIMS.join(', ')}`,
    fix: 'have the provider write one, or set "audience" in place of "clients"',
  }),
  exp: refused => adviseOnTime(refused, 'exp'),
  nbf: refused => adviseOnTime(refused, 'nbf'),
  iat: refused => adviseOnTime(refused, 'iat'),
  tid: ({ entry }) => ({
    found: `a token for ${entryName(entry)} has no tid, which must be the tenant in its iss`,
    fix: 'have the provider write it: Microsoft Entra always does',
  }),
  'act.sub': ({ entry }) => ({
    found: `the actor ("act") of a token for ${entryName(entry)} has no id`,
    fix: 'have the provider write its "sub" into "act", as each record must name who acts',
  }),
}

function adviseOnTime({ entry, payload }: RefusedToken, claim: 'exp' | 'nbf' | 'iat'): Advice {
  const value = payload[claim]
  const flaw =
    value === undefined
      ? 'is missing'
      : typeof value === 'number'
        ? 'is not a time in seconds since 1970'
        : `${typeOf(value)}, and must be a number`
  const isAsked = claim === 'iat' && value === undefined
  return {
    found: `${quoted(claim)} of a token for ${entryName(entry)} ${flaw}${isAsked ? ', and "max_age_s" needs it' : ''}`,
    fix: isAsked
      ? 'have the provider write it, or take "max_age_s" out'
      : value === undefined
        ? 'have the provider write it, as no token may last for ever'
        : 'have the provider write it in seconds, not milliseconds, and as a number',
  }
}

/** Says what keeps a value from being an id. Never the value. */
function flawOf(value: unknown, otherwise = 'is longer than 255 characters'): string {
  if (!isPresent(value)) return 'is missing'
  if (value === '') return 'is empty'
  if (typeof value === 'string') return otherwise
  return `${typeOf(value)}, and must be a string`
}

function typeOf(value: unknown): string {
  if (value === null) return 'is null'
  return `is ${Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`}`
}
