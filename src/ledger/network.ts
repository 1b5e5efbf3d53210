/** Where a request came from, as the runtime tells; a client can't set any of it. */
export interface Network {
  readonly ip?: string
  readonly asn?: number
  readonly country?: string
}

/** Where a request came from, with the network that its address belongs to. */
export interface CallerNetwork extends Network {
  /** As {@link networkPrefix} writes it. */
  readonly prefix?: string
}

/**
 * The network that an address belongs to: /24 of IPv4, /48 of IPv6. Enough to see one source at work, too little to
 * name a household. Undefined where the text is no address.
 */
export function networkPrefix(ip: string): string | undefined {
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}$/i.exec(ip)
  if (v4 !== null) return `${v4[1]}.${v4[2]}.${v4[3]}.0/24`
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
