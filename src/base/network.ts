import { detached } from '../base/detached.ts'

/** Where a request came from, as the runtime tells; a client can't set any of it. */
export interface Network {
  readonly ip?: string
  readonly asn?: number
  readonly country?: string
}

/** Where a request came from, as far as it is known, with the network that its address belongs to. */
export interface CallerNetwork {
  readonly ip: string | undefined
  /** As {@link networkPrefix} writes it. */
  readonly prefix: string | undefined
  readonly asn: number | undefined
  readonly country: string | undefined
}

/** Finds out where a request came from. It is recorded also if that can't be told. */
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

// An address with all its groups written out, lower-case and none with a leading zero, as most are: the URL parser takes
// ten times as long.
const WRITTEN_OUT =
  /^([1-9a-f][0-9a-f]{0,3}:(?:0|[1-9a-f][0-9a-f]{0,3}):[1-9a-f][0-9a-f]{0,3})(?::[0-9a-f]{1,4}){5}$/

/**
 * The network that an address belongs to: /24 of IPv4, /48 of IPv6. Enough to see one source at work, too little to
 * name a household. Undefined where the text is no address.
 */
export function networkPrefix(ip: string): string | undefined {
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/i.exec(ip)
  if (v4 !== null) return `${v4[1]}.${v4[2]}.${v4[3]}.0/24`
  const v6 = WRITTEN_OUT.exec(ip)
  if (v6 !== null) return `${v6[1]}::/48`
  if (!ip.includes(':')) return undefined
  try {
    // The URL parser knows every way to write an IPv6 address, and writes the shortest.
    const groups = new URL(`http://[${ip}]/`).hostname.slice(1, -1).split(':')
    const gap = groups.indexOf('')
    const head = (gap < 0 ? groups : groups.slice(0, gap)).slice(0, 3)
    while (head.length < 3) head.push('0')
    return `${new URL(`http://[${head.join(':')}::]/`).hostname.slice(1, -1)}/48`
  } catch {
    return undefined
  }
}
