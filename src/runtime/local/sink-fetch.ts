import { lookup as resolve } from 'node:dns'
import http, { type RequestOptions } from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { DeliveryFailure } from '../../follow/delivery.ts'
import { isInternalHost } from '../../sinks/address.ts'
import type { SinkFetch } from '../../sinks/call.ts'

/** How connections are kept for the next call: not for long, as servers close them at any time. */
const KEPT = { keepAlive: true, timeout: 30_000, maxFreeSockets: 1 }

const INTERNAL = 'its name leads to an internal address: if that is what you want, set "allow_internal": true'

/**
 * Resolves a name as `dns.lookup` does, and refuses it if any of its addresses is an internal one. The connection is made to
 * these very addresses, so a name server that answers differently a moment later changes nothing (DNS rebinding).
 */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '')
    const internal = addresses.some(({ address }) => isInternalHost(address))
    if (internal) return callback(new DeliveryFailure('misconfigured', INTERNAL), '')
    const [first] = addresses
    return options.all ? callback(null, addresses) : callback(null, first?.address ?? '', first?.family)
  })
}

/** Returns how a name is resolved for a connection to a sink. */
export const lookupFor = (allowInternal: boolean): { readonly lookup?: LookupFunction } =>
  allowInternal ? {} : { lookup: lookupPublic }

/**
 * Creates what calls a sink. `node:https` follows no redirect, and takes what resolves a name; `fetch` does neither on Deno and
 * Node alike.
 */
export function createSinkFetch(allowInternal: boolean): SinkFetch {
  // Agents of its own: a shared one would hand over a connection that was made without the check.
  const agents = { 'https:': new https.Agent(KEPT), 'http:': new http.Agent(KEPT) }
  return (url, { method, headers, body, signal }) => {
    const { protocol, hostname } = new URL(url)
    const content = Buffer.from(body)
    const options: RequestOptions = {
      method,
      headers: { ...headers, 'Content-Length': content.length },
      signal,
      agent: agents[protocol === 'https:' ? protocol : 'http:'],
      ...lookupFor(allowInternal),
    }
    return new Promise((resolve, reject) => {
      // An address that is written in the URL itself is not resolved.
      if (!allowInternal && isInternalHost(hostname))
        return reject(new DeliveryFailure('misconfigured', INTERNAL))
      const { request } = protocol === 'https:' ? https : http
      const sending = request(url, options, response => {
        const { statusCode = 0, headers } = response
        const hasBody = ![204, 205, 304].includes(statusCode)
        const retryAfter = headers['retry-after']
        resolve(
          new Response(hasBody ? (Readable.toWeb(response) as ReadableStream<Uint8Array>) : null, {
            status: statusCode,
            headers: retryAfter === undefined ? {} : { 'Retry-After': retryAfter },
          }),
        )
      })
      sending.on('error', reject)
      sending.end(content)
    })
  }
}
