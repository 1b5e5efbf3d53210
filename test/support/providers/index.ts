import { AMAZON } from './amazon.ts'
import { AUTH0_AND_OKTA } from './auth0-okta.ts'
import { GOOGLE } from './google.ts'
import { HEALTH } from './health.ts'
import { HOSTED } from './hosted.ts'
import { KEYCLOAK_AND_PROXIES } from './keycloak-proxies.ts'
import { MICROSOFT } from './microsoft.ts'
import { ORY_AND_ZITADEL } from './ory-zitadel.ts'
import { OWN } from './own.ts'
import type { Provider } from './provider.ts'
import { SELF_HOSTED } from './self-hosted.ts'

/** The providers of docs/identity-providers.md, by the headings of their recipes. */
export const PROVIDERS: Readonly<Record<string, Provider>> = {
  ...AUTH0_AND_OKTA,
  ...HOSTED,
  ...AMAZON,
  ...GOOGLE,
  ...MICROSOFT,
  ...KEYCLOAK_AND_PROXIES,
  ...ORY_AND_ZITADEL,
  ...SELF_HOSTED,
  ...HEALTH,
  ...OWN,
}
