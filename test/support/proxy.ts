import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transform } from 'node:stream'

/** A request that came by. */
export interface Passed {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Its turn among all that began. */
  readonly began: number
  /** How many had begun when it was answered; infinite before that. */
  answered: number
  /** The status of the answer; 0 where it got none. */
  status: number
  /** Bytes of its body that arrived. */
  bytes: number
  /** How many were on their way when it began, itself among them. */
  readonly atOnce: number
}

/**
 * What to do to a request: `break` its connection in the middle of the body, `lose` the answer, or `flip` a bit of the
 * body.
 */
export type Meddling = 'break' | 'lose' | 'flip' | undefined

/** A proxy in front of a gate that notes what passes, and may meddle with it. */
export interface CountingProxy {
  readonly url: string
  /** What came by since it was last forgotten. */
  readonly passed: Passed[]
  meddle: (passed: Passed) => Meddling | Promise<Meddling>
  readonly stop: () => Promise<void>
}

/** Starts a proxy that lets everything pass. */
export async function startProxy(gate: string): Promise<CountingProxy> {
  const passed: Passed[] = []
  let open = 0
  const server = createServer(async (incoming, outgoing) => {
    open += 1
    const entry: Passed = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      began: passed.length,
      answered: Number.POSITIVE_INFINITY,
      status: 0,
      bytes: 0,
      atOnce: open,
    }
    passed.push(entry)
    outgoing.once('close', () => {
      open -= 1
    })
    pass(gate, incoming, outgoing, await proxy.meddle(entry), entry, () => passed.length)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const proxy: CountingProxy = {
    passed,
    meddle: () => undefined,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return proxy
}

function pass(
  gate: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  meddling: Meddling,
  entry: Passed,
  begun: () => number,
): void {
  const size = Number(incoming.headers['content-length'] ?? 0)
  // A connection of its own: one that the gate has just closed after a refusal is nothing that a client did.
  const own = { method: entry.method, headers: incoming.headers, agent: false } as const
  const onward = request(gate + entry.path, own)
  const giveUp = () => {
    incoming.destroy()
    onward.destroy()
    outgoing.destroy()
  }
  const body = new Transform({
    transform: (chunk: Buffer, _, done) => {
      if (meddling === 'flip' && entry.bytes === 0) chunk[0] = (chunk[0] ?? 0) ^ 1
      entry.bytes += chunk.length
      if (meddling === 'break' && entry.bytes >= size / 2) return giveUp()
      done(null, chunk)
    },
  })
  onward.on('response', answer => {
    if (meddling === 'lose') return giveUp()
    entry.status = answer.statusCode ?? 0
    entry.answered = begun()
    outgoing.writeHead(entry.status, answer.headers)
    answer.pipe(outgoing)
    answer.on('error', giveUp)
  })
  onward.on('error', giveUp)
  incoming.on('error', giveUp)
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) onward.destroy()
  })
  body.on('error', giveUp)
  if (meddling === 'break' && size === 0) giveUp()
  else incoming.pipe(body).pipe(onward)
}
