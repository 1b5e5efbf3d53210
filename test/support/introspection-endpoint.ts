import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The secret of the gate's own client at the endpoint. */
export const INTROSPECTION_SECRET = 'the secret of the tests at an introspection endpoint'

/** An introspection endpoint (RFC 7662) on the loopback, for opaque tokens of the tests. */
export class IntrospectionEndpoint {
  readonly url: string
  readonly #active: Map<string, object>

  private constructor(url: string, active: Map<string, object>) {
    this.url = url
    this.#active = active
  }

  /** @param client the id that the gate must authenticate itself with */
  static async start(client: string): Promise<IntrospectionEndpoint> {
    const active = new Map<string, object>()
    const expected = `Basic ${btoa(`${client}:${encodeURIComponent(INTROSPECTION_SECRET).replaceAll('%20', '+')}`)}`
    const server = createServer(async (request, response) => {
      if (request.headers.authorization !== expected) {
        response.writeHead(401).end()
        return
      }
      const token = new URLSearchParams(await bodyOf(request)).get('token') ?? ''
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(active.get(token) ?? { active: false }))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    // The tests may end while it listens.
    server.unref()
    const { port } = server.address() as AddressInfo
    return new IntrospectionEndpoint(`http://127.0.0.1:${port}/introspect`, active)
  }

  /** Says from now on that a token is active, and what it means. */
  know(token: string, claims: object): void {
    const now = Math.floor(Date.now() / 1000)
    this.#active.set(token, { active: true, iat: now - 10, exp: now + 600, ...claims })
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}
