import type { IncomingHttpHeaders } from 'node:http'

// The demo clinic's page needs tokens, and a browser has nothing to prove who it is with. So the route that issues them
// must answer this page alone: no page of another site, and no name on the internet that leads to this machine.

/** The names by which a browser on this machine reaches the server, which listens on the second one. */
const LOOPBACK = ['localhost', '127.0.0.1']

/**
 * Returns whether a request names this machine as its host. Any other name may belong to an attacker who lets it resolve to
 * a loopback address: for a browser, the attacker's page is then of the same origin as this server (DNS rebinding).
 *
 * @param port the port that the server listens on
 */
export function isForLoopback({ host }: IncomingHttpHeaders, port: number): boolean {
  return LOOPBACK.some(name => host === `${name}:${port}`)
}

/**
 * Returns whether the browser says that the server's own page sent a request (Fetch Metadata 2.1). No page can set or leave
 * out these headers, so a browser that sends none is refused, too. Call it only if the request is for a loopback host.
 */
export function isFromOwnPage({ host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return site === 'same-origin' && (origin === undefined || origin === `http://${host}`)
}
