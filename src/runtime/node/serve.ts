import { createServer, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import process from 'node:process'
import { getRequestListener } from '@hono/node-server'
import type { Variables } from '../../config/variables.ts'
import { BodyCut } from '../../recordings/counted-body.ts'
import type { LocalVariables } from '../local/local-variables.ts'
import { type Started, start } from '../local/start.ts'

/** Milliseconds that answers may still take once the server is asked to stop. */
const GRACE = 10_000
/** Milliseconds from one look for idle connections to the next, while the server stops. */
const IDLE_CHECK = 50

/** How long the server waits for clients, in milliseconds. */
export interface ServerTimeouts {
  /** For the head of a request, from the connection or the first byte on, and up to a sixth more. */
  readonly head: number
  /** For the next request on a connection. Longer than the 60 s of load balancers, which must be the first to hang up. */
  readonly idle: number
}

const TIMEOUTS: ServerTimeouts = { head: 30_000, idle: 75_000 }

/** What the adapter makes a URL of: a path, or an absolute URL (RFC 9112 3.2.2), with no backslash before the query. */
const TARGET = /^(?:https?:\/)?\/[^\\?]*(?:$|\?)/

/** An answer on its way. */
class Answer extends ServerResponse {
  /** Head and first bytes leave in one packet, not the head on its own before anything is read. */
  override flushHeaders(): void {}

  /**
   * Ends an answer whose body failed, for an error. What the system still has in its buffers is thrown away: if the body was
   * cut, up to megabytes of it would still reach a slow client.
   */
  override destroy(error?: Error): this {
    if (error !== undefined) this.socket?.resetAndDestroy()
    return super.destroy(error)
  }
}

/** A gate that is being served. */
export interface Serving {
  readonly url: string
  /** Takes no more requests, finishes those that are there, and loses no record. */
  stop(): Promise<void>
}

/** Thrown if the server can't listen on its port. The cause is the system's error. */
class CannotListen extends Error {
  override readonly name = 'CannotListen'

  constructor({ host, port }: LocalVariables, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : 'unknown'
    super(
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is taken: set PORT to another one`
        : `nothing can listen on port ${port} of ${host} (${code}): set PORT or HOST to another one`,
      { cause },
    )
  }
}

/**
 * Serves the gate on Node, from its variables.
 *
 * @throws ConfigurationError if the variables can't be served; Error if the port is taken
 */
export async function serve(variables: Variables, timeouts: ServerTimeouts = TIMEOUTS): Promise<Serving> {
  return listen(start(variables), timeouts)
}

/**
 * Serves a gate that was started.
 *
 * @throws Error if the port is taken
 */
export async function listen(
  { fetch, settings, endStreams, close }: Started,
  { head, idle }: ServerTimeouts = TIMEOUTS,
): Promise<Serving> {
  const odd = new WeakMap<object, string>()
  const answer = getRequestListener((request, platform) =>
    fetch(asSent(request, odd.get(platform.incoming) ?? platform.incoming.url), platform),
  )
  const limits = {
    // In bytes. Room for the longest token that the gate reads, and as much beside it.
    maxHeaderSize: 32 * 1024,
    // Storing a recording may take hours; the gate itself limits how long a body may stall.
    requestTimeout: 0,
    headersTimeout: head,
    connectionsCheckingInterval: Math.ceil(head / 6),
    keepAliveTimeout: idle,
    ServerResponse: Answer,
  }
  const server = createServer(limits, (incoming, outgoing) => {
    // What the adapter can make no URL of, it would refuse by itself, with no record. The gate looks at what was sent, and
    // at `Host` among the headers as they were sent.
    const { url = '' } = incoming
    if (!TARGET.test(url)) {
      odd.set(incoming, url)
      incoming.url = '/'
    }
    incoming.headers.host = 'localhost'
    return answer(incoming, outgoing)
  })
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(settings.port, settings.host, resolve)
    })
  } catch (error) {
    await close()
    throw new CannotListen(settings, error)
  }
  const { port } = server.address() as AddressInfo
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  return {
    url: `http://${host}:${port}`,
    async stop() {
      endStreams()
      const late = setTimeout(() => server.closeAllConnections(), GRACE)
      // `close` ends the connections that are idle now. The others become idle when their answers are sent. It doesn't know
      // those as idle on which nothing was sent yet, which browsers open in advance.
      const idle = setInterval(() => {
        server.closeIdleConnections()
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
      }, IDLE_CHECK)
      await new Promise(resolve => server.close(resolve))
      clearInterval(idle)
      clearTimeout(late)
      await close()
    },
  }
}

/**
 * Runs the gate as a service: says on stdout when it serves, and stops on SIGTERM. If it can't start, it says why and exits:
 * with 1 if the port is the reason, else with 2.
 */
export async function run(start: () => Promise<Serving>): Promise<void> {
  // biome-ignore lint/suspicious/noConsole: the adapter prints there, and takes nothing else
  console.error = withoutCuts(console.error)
  try {
    const { url, stop } = await start()
    const end = () => void stop().then(() => process.exit(0))
    process.once('SIGTERM', end).once('SIGINT', end)
    process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : 'the gate could not start'}\n`)
    process.exit(error instanceof CannotListen ? 1 : 2)
  }
}

/**
 * Returns what prints everything but bodies that were cut. The adapter prints each body that fails. A cut is no fault, and a lockdown
 * would fill an operator's log with a line for each stream. The process must be the gate's own: the console is everyone's.
 */
export function withoutCuts(print: (...what: unknown[]) => void): (...what: unknown[]) => void {
  return (...what) => {
    if (!(what[0] instanceof BodyCut)) print(...what)
  }
}

/** The server resolves dot segments before it hands a request on; what is checked must be what was sent. */
function asSent(request: Request, target: string | undefined): Request {
  if (target === undefined || request.url.endsWith(target)) return request
  const path = target.startsWith('/') ? target : `/${target}`
  return Object.defineProperty(request, 'url', { value: new URL(request.url).origin + path })
}
