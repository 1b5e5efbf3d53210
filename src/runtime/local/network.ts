import { isIP } from 'node:net'
import type { Network } from '../../base/network.ts'

/** What servers hand over beside a request: Node's by `@hono/node-server`, and Deno's. */
interface Platform {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } }
  readonly remoteAddr?: { readonly hostname?: string }
}

/**
 * Creates what says where a request came from: the other end of its connection, or what the proxy in front wrote.
 *
 * @param addressHeader the header of that proxy. Of a list the last address counts, which is the one that it wrote
 */
export function networkOf(addressHeader?: string): (request: Request, platform: unknown) => Network {
  return ({ headers }, platform) => {
    const ip =
      addressHeader === undefined
        ? connectedFrom(platform)
        : headers.get(addressHeader)?.split(',').at(-1)?.trim()
    return ip === undefined || isIP(ip) === 0 ? {} : { ip: ip.replace(/^::ffff:(?=\d+\.)/i, '') }
  }
}

function connectedFrom(platform: unknown): string | undefined {
  const { incoming, remoteAddr } = (platform ?? {}) as Platform
  return incoming?.socket?.remoteAddress ?? remoteAddr?.hostname
}
