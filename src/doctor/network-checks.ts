import type { CallerNetwork } from '../base/network.ts'
import { isLoopback } from '../base/url.ts'
import { type Checks, ok, warning } from './finding.ts'
import { parseUrl, type Settings } from './settings.ts'

/** What the gate knows of where the request of the examination came from. */
export interface NetworkFacts extends Pick<Settings, 'publicUrl'> {
  readonly network: CallerNetwork
}

/** What records say of networks. */
export const NETWORK_CHECKS: Checks<NetworkFacts> = {
  /** Records say which network a request came from: the viewer's, not that of the proxy in front. */
  network({ network: { ip, prefix }, publicUrl }) {
    const gate = parseUrl(publicUrl)
    if (isLoopback(gate)) return []
    const fix = 'set ADDRESS_HEADER to the header of the proxy in front that has the address'
    if (prefix === undefined) return warning('the gate does not know where requests come from', fix)
    const isProxied = gate !== undefined && /^(?:127\.|::1$)/.test(ip ?? '')
    return isProxied
      ? warning('requests seem to come from this machine: records name the network of the proxy', fix)
      : ok('records name the network that a request came from')
  },
}
