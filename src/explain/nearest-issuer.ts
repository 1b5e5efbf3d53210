import type { Entry } from '../authenticate/entry.ts'

/** How an `iss` differs from a configured one, the smallest difference first. */
const DIFFERENCES = ['slash', 'scheme', 'case', 'version', 'tenant', 'path', 'other'] as const

/** One of the ways in which an `iss` differs from a configured one. */
export type Difference = (typeof DIFFERENCES)[number]

/** The configured issuer that is nearest to an `iss`. */
export interface Nearest {
  readonly entry: Entry
  readonly difference: Difference
}

// Microsoft Entra writes either, by the version that the manifest of the app asks for.
const ENTRA =
  /^https:\/\/(?:sts\.windows\.net\/([\w.-]+)\/?|login\.microsoftonline\.com\/([\w.-]+)(?:\/v2\.0)?\/?)$/i

/**
 * Finds the entry whose issuer is nearest to an `iss` that no entry has. Of several with the same difference, it is the one
 * that begins alike for longest.
 *
 * @returns undefined if there are no entries
 */
export function nearestIssuer(iss: string, entries: readonly Entry[]): Nearest | undefined {
  const ranked = entries.map(entry => {
    const difference = differenceOf(iss, entry)
    return { entry, difference, rank: DIFFERENCES.indexOf(difference), alike: alikeUntil(iss, entry.issuer) }
  })
  const [nearest] = ranked.sort((one, other) => one.rank - other.rank || other.alike - one.alike)
  return nearest && { entry: nearest.entry, difference: nearest.difference }
}

function differenceOf(iss: string, { issuer, tenant }: Entry): Difference {
  const [came, ours] = [iss, issuer].map(withoutSlash) as [string, string]
  if (came === ours) return 'slash'
  const [cameAfter, oursAfter] = [came, ours].map(withoutScheme) as [string, string]
  if (cameAfter === oursAfter) return 'scheme'
  if (cameAfter.toLowerCase() === oursAfter.toLowerCase()) return 'case'
  const [cameTenant, ourTenant] = [iss, issuer].map(entraTenant)
  if (cameTenant !== undefined && cameTenant === ourTenant) return 'version'
  if ((cameTenant && ourTenant) || isOfTemplate(iss, issuer, tenant)) return 'tenant'
  return hostOf(iss) !== undefined && hostOf(iss) === hostOf(issuer) ? 'path' : 'other'
}

/** Whether two issuers differ in nothing but the tenant. */
function isOfTemplate(iss: string, issuer: string, tenant: string | undefined): boolean {
  if (tenant === undefined) return false
  const [before = '', after = ''] = issuer.split(tenant)
  return iss.startsWith(before) && iss.endsWith(after)
}

function entraTenant(issuer: string): string | undefined {
  const [, ofFirst, ofSecond] = ENTRA.exec(issuer) ?? []
  return (ofFirst ?? ofSecond)?.toLowerCase()
}

const withoutSlash = (url: string): string => url.replace(/\/$/, '')
const withoutScheme = (url: string): string => url.replace(/^https?:\/\//i, '')
const hostOf = (url: string): string | undefined => /^https?:\/\/([^/?#]+)/i.exec(url)?.[1]?.toLowerCase()

function alikeUntil(one: string, other: string): number {
  let end = 0
  while (end < one.length && one[end] === other[end]) end++
  return end
}
