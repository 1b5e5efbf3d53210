import { detached } from './bytes.ts'

/** The origin of a request in the network, as the runtime reports it. The client can set none of it. */
export interface Network {
  readonly ip?: string
  readonly asn?: number
  readonly country?: string
}

/** What is known about the origin of a request, with the network that its address belongs to. */
export interface CallerNetwork {
  readonly ip: string | undefined
  /** As {@link networkPrefix} writes it. */
  readonly prefix: string | undefined
  readonly asn: number | undefined
  readonly country: string | undefined
}

/** Determines the origin of a request. Never throws: a request is recorded even if its origin is unknown. */
export function callerNetwork(network: () => Network): CallerNetwork {
  try {
    const { ip, asn, country } = network()
    return ip === undefined
      ? { ip, prefix: undefined, asn, country }
      : { ip: detached(ip), prefix: networkPrefix(ip), asn, country }
  } catch {
    return { ip: undefined, prefix: undefined, asn: undefined, country: undefined }
  }
}

// Matches an address that has all its groups, in lower case and without leading zeros, as most have. The URL parser
// takes ten times as long.
const WRITTEN_OUT =
  /^([1-9a-f][0-9a-f]{0,3}:(?:0|[1-9a-f][0-9a-f]{0,3}):[1-9a-f][0-9a-f]{0,3})(?::[0-9a-f]{1,4}){5}$/

/**
 * Returns the network that an address belongs to: /24 of IPv4, /48 of IPv6. That is enough to see one source at work,
 * and too little to identify a household. Undefined if the string is not an address.
 */
export function networkPrefix(ip: string): string | undefined {
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/i.exec(ip)
  if (v4 !== null) return `${v4[1]}.${v4[2]}.${v4[3]}.0/24`
  const v6 = WRITTEN_OUT.exec(ip)
  if (v6 !== null) return `${v6[1]}::/48`
  if (!ip.includes(':')) return undefined
  try {
    // The URL parser reads every notation of an IPv6 address, and writes the shortest.
    const groups = new URL(`http://[${ip}]/`).hostname.slice(1, -1).split(':')
    // An IPv4 address in IPv6 (RFC 4291 2.5.5.2), of whose last 32 bits the parser makes two groups.
    const [first, , mapped, high = '', low = ''] = groups
    if (first === '' && mapped === 'ffff' && groups.length === 5) {
      const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
      return `${a >> 8}.${a & 255}.${b >> 8}.0/24`
    }
    const gap = groups.indexOf('')
    const head = (gap < 0 ? groups : groups.slice(0, gap)).slice(0, 3)
    while (head.length < 3) head.push('0')
    return `${new URL(`http://[${head.join(':')}::]/`).hostname.slice(1, -1)}/48`
  } catch {
    return undefined
  }
}
