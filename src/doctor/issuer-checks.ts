import { listOf } from '../authenticate/audience.ts'
import { nameOf, resolveEntries } from '../authenticate/entry.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import type { Role } from '../authorize/rules/role.ts'
import { isLoopback } from '../base/url.ts'
import { TO_THE_LETTER } from '../explain/issuer-advice.ts'
import { doubtsIn } from './doubtful-issuers.ts'
import { aboutEntry, allOr, type Checks, failed, type Outcome, warning } from './finding.ts'
import { isReserved, parseUrl, type Settings } from './settings.ts'

type IssuerSettings = Pick<Settings, 'issuers' | 'publicUrl'>

/** What the entries of `ISSUERS` open. */
export const ISSUER_CHECKS: Checks<IssuerSettings> = {
  /** An entry can give the role that reads the log, and one the role that stores. */
  roles({ issuers }) {
    if (issuers.length > 1 && issuers.every(({ allowed_roles }) => allowed_roles === undefined)) {
      return failed(
        `none of the ${issuers.length} entries has allowed_roles, so no token may store, or read the log`,
        'add "allowed_roles": ["recorder"] and ["security"] to the entries of your services and staff',
      )
    }
    const isGiven = (role: Role) => issuers.some(issuer => gives(issuer, issuers, role))
    return allOr('an entry can give the role "recorder", and one "security"', [
      !isGiven('security') && failed('no entry can give the role "security", which reads the log', ADD_ROLE),
      !isGiven('recorder') &&
        warning('no entry can give the role "recorder", which stores recordings', ADD_ROLE),
    ])
  },

  /** Analysts can read what they should: with tenants, an analyst without one reads nothing. */
  analysts({ issuers }) {
    if (issuers.every(({ tenant_claim }) => tenant_claim === undefined)) return []
    const blind = issuers.filter(
      issuer =>
        gives(issuer, issuers, 'security') &&
        issuer.tenant_claim === undefined &&
        issuer.allow_all_tenants !== true,
    )
    return blind.map(issuer =>
      aboutEntry(
        nameOf(issuer),
        warning(
          'it gives the role "security" and has no tenant_claim, while others do: its analysts read nothing',
          'set "tenant_claim", or "allow_all_tenants": true if they may read all records',
        ),
      ),
    )
  },

  /** The audience of an entry is meant for the gate, and not for every app of the provider. */
  audience: ({ issuers }) =>
    issuers.flatMap(issuer => {
      const [broad] = listOf(issuer.audience).flatMap(audience => {
        const [, what] = BROAD.find(([pattern]) => pattern.test(audience)) ?? []
        return what === undefined ? [] : `its audience "${audience}" is that of ${what}`
      })
      return broad === undefined || issuer.clients !== undefined
        ? []
        : aboutEntry(
            nameOf(issuer),
            warning(
              `${broad}: tokens for other apps are accepted too`,
              'give the gate an audience of its own at the provider, or list the apps in "clients" beside it',
            ),
          )
    }),

  /** Settings that weaken a check. Each of them is a decision of yours; this only says what it opens. */
  allowances: ({ issuers }) =>
    allOr(
      'no setting that weakens a check is on',
      issuers.flatMap(issuer =>
        Object.entries(OPENS).map(
          ([member, opens]) =>
            issuer[member as keyof Issuer] === true &&
            aboutEntry(
              nameOf(issuer),
              warning(`${member} is on: ${opens}`, "remove it if you don't need it"),
            ),
        ),
      ),
    ),

  /** An entry is that of a provider, as its tokens name it, and not of an example or of `mediaward dev`. */
  provider: ({ issuers, publicUrl }) =>
    issuers.flatMap(issuer =>
      [
        ...doubtsIn(issuer).map(({ member, found, fix }) => warning(`its ${member} ${found}`, fix)),
        ...judgeProvider(issuer, parseUrl(publicUrl)),
      ].map(outcome => aboutEntry(nameOf(issuer), outcome)),
    ),
}

const ADD_ROLE = 'add it to allowed_roles (and roles, if set) in the entry of those who need it'
const REPLACE = 'put your own provider in its place'

function judgeProvider({ issuer }: Issuer, gate: URL | undefined): readonly Outcome[] {
  const url = parseUrl(issuer)
  // A gate for this machine alone may trust what it likes.
  const report = gate === undefined || isLoopback(gate) ? warning : failed
  const isAdfs = /\/adfs\/services\/trust\/?$/.test(issuer)
  const scheme = isAdfs ? 'http:' : 'https:'
  const isPlainWeb = url !== undefined && /^https?:$/.test(url.protocol) && (isAdfs || !isLoopback(url))
  return [
    DEVELOPMENT.test(issuer)
      ? report('it is the issuer of "mediaward dev", whose private key is in a data folder', REPLACE)
      : isReserved(url) && report('its issuer is a name of examples', REPLACE),
    isPlainWeb &&
      url.protocol !== scheme &&
      warning(
        `its issuer begins with "${url.protocol}//", and that of ${isAdfs ? 'AD FS' : 'nearly all providers'} with "${scheme}//"`,
        TO_THE_LETTER,
      ),
    /\/realms\/master\/?$/.test(issuer) &&
      warning(
        'its issuer is the realm of the administrators of Keycloak',
        'write the realm of your patients or staff in its place',
      ),
  ].filter(outcome => outcome !== false)
}

/** Whether tokens of an entry can have a role. A mapping must name the role, too. */
function gives(issuer: Issuer, issuers: readonly Issuer[], role: Role): boolean {
  const entries = resolveEntries(issuers).filter(({ name }) => name === nameOf(issuer))
  const isMapped = issuer.roles === undefined || issuer.roles[role] !== undefined
  return isMapped && entries.some(({ allowed_roles }) => allowed_roles.includes(role))
}

const DEVELOPMENT = /^https:\/\/issuer\.mediaward\.invalid\/?$/

/** Audiences that a provider writes into the tokens of many apps. */
const BROAD: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:account|account-console|broker|realm-management|security-admin-console)$/,
    'every client of a Keycloak realm',
  ],
  [/^https:\/\/[^/]+\/userinfo$/, 'every login (OpenID Connect userinfo)'],
  [
    /^(?:00000003-0000-0000-c000-000000000000|https:\/\/graph\.(?:microsoft|windows)\.(?:com|net)\/?)$/,
    'Microsoft Graph',
  ],
  [/^api:\/\/default$/, "Okta's default authorization server"],
]

const OPENS: Readonly<Record<Extract<keyof Issuer, `allow_${string}`>, string>> = {
  allow_actor: 'staff with a token that acts for a patient can play what the patient may',
  allow_unbound: 'a stolen token works without the certificate that it is bound to',
  allow_all_tenants: 'its analysts read the records of all tenants',
  allow_http_keys: 'the network between the gate and the key server can replace the keys',
}
