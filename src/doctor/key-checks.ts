import { INTROSPECTION_FIX } from '../authenticate/introspection/introspect.ts'
import { KEYS_FIX } from '../authenticate/keys/key-fault.ts'
import { TO_THE_LETTER } from '../explain/issuer-advice.ts'
import { quoted } from '../explain/shown.ts'
import { Failure } from './failure.ts'
import { aboutIssuer, type Checks, failed, notChecked, type Outcome, ok, warning } from './finding.ts'
import type { IntrospectionFacts, KeyFacts, KeysFacts, MetadataFacts } from './key-probes.ts'
import { parseUrl } from './settings.ts'

/** Differences of less than this many seconds need no mention: the dates of servers have whole seconds. */
const NOTABLE = 5

/** Whether tokens can be verified. */
export const KEY_CHECKS: Checks<KeysFacts> = {
  /** The keys of every entry can be had from where the gate runs, and verify tokens with its algorithms. */
  keys: ({ keys }) => keys.map(facts => aboutIssuer(facts.entry, judgeKeys(facts))),

  /** The provider's own metadata, if it publishes some, has the issuer and the keys that the entry has. */
  metadata: ({ metadata }) => metadata.map(facts => aboutIssuer(facts.entry, judgeMetadata(facts))),

  /** The introspection endpoint of an entry takes the gate for its client, and knows no made-up token. */
  introspection: ({ introspections }) =>
    introspections.map(facts => aboutIssuer(facts.entry, judgeIntrospection(facts))),

  /** The clock is that of the key servers, as tokens say from when and until when they are valid. */
  clock({ clock, tolerance }) {
    if (clock === undefined) return notChecked('no key server said what time it is')
    const { server, ahead } = clock
    const off = Math.round(Math.abs(ahead))
    const found = `the clock of the gate is ${off} s ${ahead < 0 ? 'behind' : 'ahead of'} that of ${server}`
    const fix = 'set the clock of the machine, and use NTP'
    if (off > tolerance) return failed(`${found}: good tokens are refused, or expired ones accepted`, fix)
    return off > NOTABLE ? warning(found, fix) : ok(`the clock of the gate agrees with that of ${server}`)
  },
}

function judgeMetadata({ entry, issuers, jwksUri, offersDpop }: MetadataFacts): Outcome {
  const [issuer] = issuers
  if (!issuers.includes(entry.issuer)) {
    const named = issuer === undefined ? 'names no issuer' : `calls itself ${quoted(issuer)}`
    return warning(
      `its issuer is ${JSON.stringify(entry.issuer)}, and the provider's metadata ${named}`,
      TO_THE_LETTER,
    )
  }
  if (entry.dpop === 'required' && !offersDpop) {
    return warning(
      "it requires DPoP, and the provider's metadata does not offer it",
      'have the provider bind its tokens to keys, or set "dpop": "accepted"',
    )
  }
  const { jwks_uri = jwksUri } = entry
  return jwks_uri === undefined || jwksUri === undefined || isSamePlace(jwks_uri, jwksUri)
    ? ok("the provider's metadata agrees with the entry")
    : warning(
        `the provider has its keys at ${quoted(jwksUri)}, which is not jwks_uri`,
        'write "jwks_uri" so, or set "discovery": true in its place',
      )
}

/** Whether two URLs differ in their query at most, as those of the keys for one app do. */
function isSamePlace(one: string, other: string): boolean {
  const [first, second] = [one, other].map(parseUrl)
  return first?.host === second?.host && first?.pathname === second?.pathname
}

function judgeIntrospection({ isFooled }: IntrospectionFacts): Outcome {
  if (isFooled instanceof Failure) {
    return failed(
      `its introspection endpoint gave no usable answer: ${isFooled.why}`,
      `${INTROSPECTION_FIX}; until then its opaque tokens get 503`,
    )
  }
  return isFooled
    ? failed(
        'its introspection endpoint says that a made-up token is active, so any string may be accepted',
        'check that the URL in "introspection" is that of the endpoint of RFC 7662',
      )
    : ok('its introspection endpoint accepts the gate as a client, and knows no made-up token')
}

function judgeKeys({ loaded, algorithms }: KeyFacts): Outcome {
  if (loaded instanceof Failure) {
    return failed(
      `its keys can't be had: ${loaded.why}`,
      `${KEYS_FIX}; until then none of its tokens is accepted`,
    )
  }
  const { usable, covered, broken, unused } = loaded
  if (usable === 0) return failed(`it has 0 usable keys${unused && `: ${unused}`}`, KEYS_FIX)
  if (covered.length === 0) {
    return failed(
      `it has ${usable} usable keys, and none for its algorithms (${algorithms.join(', ')})`,
      'write what the provider signs with into "algorithms"',
    )
  }
  const found = `${usable} usable ${usable === 1 ? 'key' : 'keys'} for ${covered.join(', ')}`
  return broken.length === 0
    ? ok(found)
    : warning(`${found}; ${broken.join('; ')}`, 'tell the provider, unless that key signs nothing')
}
