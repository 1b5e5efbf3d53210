import { isLoopback, plainUrl } from '../base/url.ts'

// A sink's address decides where the gate connects to from inside. Without these checks, one entry could make it call the
// metadata service of a cloud, or a service that trusts every machine of its network (SSRF).

/** IPv4 networks that no public server is in (RFC 6890 and its registry): first address and length of the prefix. */
const INTERNAL_NETWORKS: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

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
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) ? isInternalV4(host) : INTERNAL_NAME.test(host)
}

function isInternalV4(address: string): boolean {
  return INTERNAL_NETWORKS.some(([network, length]) => {
    const shift = 32 - length
    return bitsOf(address) >>> shift === bitsOf(network) >>> shift
  })
}

const bitsOf = (address: string): number =>
  address.split('.').reduce((bits, part) => ((bits << 8) | Number(part)) >>> 0, 0)

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
