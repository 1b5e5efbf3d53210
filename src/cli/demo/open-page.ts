import { OPTIONS } from '../../config/table.ts'
import type { VariableOptions } from '../../config/variables.ts'
import { DEMO_KEY } from '../demo-recordings.ts'
import { type DevelopmentSecrets, developmentIssuer } from '../development-issuer.ts'
import { describeClinic } from './clinic.ts'
import { type DemoPage, openDemoPage } from './page-server.ts'

/** What `dev` knows before it starts its gate. */
export interface DevSettings {
  readonly data: string
  readonly development: DevelopmentSecrets
  /** The port that the developer asked for; 0 for any. */
  readonly port: number
  /** The port that the gate will listen on. */
  readonly gatePort: number
  /** The options of the gate. */
  readonly options: Omit<VariableOptions, 'ledgerShards'>
}

/** The variable of the secret that alerts for the page are signed with. */
const ALERT_SECRET = 'DEMO_PAGE_ALERT_SECRET'
/** From the port of the gate to that of the page. */
const DISTANCE = 100

/**
 * Opens the page of the demo clinic.
 *
 * @returns undefined if the page would show nothing that plays: the gate trusts other issuers, issues no tickets, or has no
 *   URL that leads to a demo recording
 */
export async function openPageOfDev(settings: DevSettings): Promise<DemoPage | undefined> {
  const { data, development, port, gatePort, options } = settings
  const { issuers, tickets, publicUrl, pseudonymKey, locations = OPTIONS.locations.default } = options
  const { issuer } = developmentIssuer(development)
  const path = locations.find(({ key }) => key === DEMO_KEY)?.url
  const isTrusted = issuers.length === 1 && issuers[0]?.issuer === issuer
  if (!isTrusted || path === undefined || tickets === undefined || publicUrl === undefined) return undefined
  const gate = new URL(`http://127.0.0.1:${gatePort}`).origin
  return openDemoPage({
    // The ports next to it may be those of other gates.
    port: port > 0 && port + DISTANCE < 65_536 ? port + DISTANCE : 0,
    data,
    origins: [...new Set([gate, publicUrl])],
    clinic: await describeClinic({ gate, path, pseudonymKey, issuer }),
  })
}

/**
 * Returns the variables of a gate that the page may use, whose address leads to the page, and whose alerts go to the page unless
 * the developer has receivers of their own.
 */
export function variablesFor(
  page: DemoPage,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const { ALLOWED_ORIGINS: allowed = '' } = variables
  const { url, secret } = page.alerts
  const receiver = { name: 'demo-page', type: 'webhook', url, secret: { secret: ALERT_SECRET } }
  return {
    // The page's server is on this machine, and its address is no one else's to choose.
    ALERTS: JSON.stringify([{ ...receiver, allow_internal: true }]),
    [ALERT_SECRET]: secret,
    ...variables,
    DEVELOPMENT_PAGE: page.url,
    // Unless the developer lists origins, all of this machine are allowed.
    ...(allowed.trim() !== '' && { ALLOWED_ORIGINS: [allowed, ...page.origins].join() }),
  }
}
