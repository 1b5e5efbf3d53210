import { TENANT } from '../authenticate/entry.ts'

/** Microsoft's endpoints for people of many tenants. The `iss` of their tokens names the tenant of the person. */
const NO_TENANT = /^(https:\/\/login\.microsoftonline\.com\/)(?:common|organizations|consumers)(?=\/|$)/i

/** Finds what keeps an issuer's name from ever being the `iss` of a token. */
export function checkIssuerName(issuer: string, tenants: unknown): string | undefined {
  const isTemplate = issuer.includes(TENANT)
  if (isTemplate && tenants === undefined) {
    return `has ${TENANT}: list the tenants whose tokens are accepted in tenants`
  }
  if (!isTemplate && tenants !== undefined) {
    return `must have ${TENANT} in place of the tenant, as there are tenants`
  }
  const [, host] = NO_TENANT.exec(issuer) ?? []
  if (host !== undefined) {
    return `names no tenant, but the "iss" of tokens does: write "${host}${TENANT}/v2.0" and list tenants`
  }
  if (issuer.includes('/.well-known/')) {
    return 'is the URL of a discovery document: write what comes before "/.well-known/"'
  }
  return issuer.includes('://') && /[{}<>$]/.test(issuer.replaceAll(TENANT, ''))
    ? `has a placeholder that is not filled in: the gate replaces none but ${TENANT}`
    : undefined
}
