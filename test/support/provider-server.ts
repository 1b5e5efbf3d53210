import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { CERTIFICATE, CERTIFICATE_KEY } from './private-authority.ts'

// The servers of identity providers that are set up wrongly: one on the loopback for all of them, each below a path of its
// own.

/** What a provider answers at one path. */
export interface Served {
  /** Default: 200. */
  readonly status?: number
  readonly location?: string
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/** What a provider answers, by path. Any other path is 404. */
export type ServedPaths = Readonly<Record<string, Served>>

/** Starts the servers. They don't keep a process alive. */
export async function startProviders(
  providers: readonly ServedPaths[],
): Promise<{ readonly origin: string; readonly untrusted: string }> {
  const answer: RequestListener = (request, response) => {
    request.resume()
    const [, index, path] = /^\/(\d+)(\/.*)$/.exec(request.url ?? '') ?? []
    const { status = 200, location, body } = providers[Number(index)]?.[path ?? ''] ?? { status: 404 }
    response.writeHead(status, location === undefined ? {} : { Location: location })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const tls = { cert: CERTIFICATE, key: CERTIFICATE_KEY }
  const [port, tlsPort] = await Promise.all([
    listen(createServer(answer)),
    listen(createTlsServer(tls, answer)),
  ])
  return { origin: `http://127.0.0.1:${port}`, untrusted: `https://127.0.0.1:${tlsPort}` }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // The tests may end while it listens.
  server.unref()
  return (server.address() as AddressInfo).port
}
