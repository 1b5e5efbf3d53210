import { isLoopback, plainUrl } from '../base/url.ts'

// A sink's address decides where the gate connects to from inside. Without these checks, one entry could make it call the
// metadata service of a cloud, or a service that trusts every machine of its network (SSRF).

/**
 * IPv4 networks that no public server is in (RFC 6890 and its registry): 0/8, 10/8, 127/8, 224/3, 100.64/10, 169.254/16,
 * 172.16/12, 192.168/16, 198.18/15, 192.0.0/24, 192.0.2/24, 198.51.100/24, 203.0.113/24.
 */
const INTERNAL_V4 =
  /^(?:(?:0|10|127|22[4-9]|2[345]\d)\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|198\.1[89]\.|192\.0\.[02]\.|198\.51\.100\.|203\.0\.113\.)/

/** Names that resolve within a network only: without a dot, or of a reserved domain (RFC 6761, 6762, 8375). */
const INTERNAL_NAME = /^[^.]*$|(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa)$/

/**
 * Returns whether a host is known not to be on the public Internet, by its name or its address alone.
 *
 * @param hostname as the URL parser writes it: an IPv4 address in decimal or octal form has four numbers by then
 */
export function isInternalHost(hostname: string): boolean {
  const host = hostname.replace(/\.$/, '').toLowerCase()
  if (host.includes(':')) return isInternalV6(host.replace(/^\[|\]$/g, ''))
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) ? INTERNAL_V4.test(host) : INTERNAL_NAME.test(host)
}

/**
 * Only 2000::/3 is public (RFC 4291 2.4). Addresses that hold an IPv4 address would need a second look, and no server needs
 * them: mapped ones and NAT64 are outside, Teredo (2001::/32) and 6to4 (2002::/16) are refused, as is what is for
 * documentation (2001:db8::/32).
 */
function isInternalV6(address: string): boolean {
  const [first = '', second = ''] = address.split(':')
  const group = Number.parseInt(first, 16)
  if (!(group >= 0x2000 && group <= 0x3fff)) return true
  return group === 0x2002 || (group === 0x2001 && ['', '0', 'db8'].includes(second.replace(/^0+(?=.)/, '')))
}

/** Returns what is wrong with the address of a sink, if anything. */
export function addressMistake(
  value: unknown,
  protocol: 'https:' | 'tls:',
  allowInternal: boolean,
): string | undefined {
  const url = plainUrl(value)
  const isPlain = allowInternal && protocol === 'https:' && url?.protocol === 'http:' && isLoopback(url)
  if (
    url === undefined ||
    url.hostname === '' ||
    url.hash !== '' ||
    !(url.protocol === protocol || isPlain)
  ) {
    return `must be a URL that begins with "${protocol}//", without user, password or fragment`
  }
  return !allowInternal && isInternalHost(url.hostname)
    ? 'leads into an internal network: if that is what you want, set "allow_internal": true in the entry'
    : undefined
}
