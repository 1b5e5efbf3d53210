import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'

/** What a network does: `pass` all, `stall` (nothing arrives, and nothing says so), or `cut` connections. */
export type Network = 'pass' | 'stall' | 'cut'

/** A proxy in front of a server that isn't HTTP. */
export interface TcpProxy {
  readonly port: number
  /** What it does from now on, to open connections too. */
  become(network: Network): void
  /** By how many milliseconds all that passes is late, each way. */
  delay: number
  stop(): Promise<void>
}

/**
 * Starts a proxy that lets everything pass.
 *
 * @param port that of the server
 * @param host the address that it listens on
 */
export async function startTcpProxy(port: number, host: string = '127.0.0.1'): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const links = new Set<Transform>()
  let network: Network = 'pass'

  function link(): Transform {
    const held: (() => void)[] = []
    const one = new Transform({
      transform(chunk, _, done) {
        const pass = () => (network === 'stall' ? held.push(pass) : done(null, chunk))
        setTimeout(pass, proxy.delay)
      },
    })
    one.on('go-on', () => {
      for (const pass of held.splice(0)) pass()
    })
    links.add(one)
    one.once('close', () => links.delete(one))
    return one
  }
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  }
  const server = createServer(client => {
    keep(client)
    if (network === 'cut') return client.destroy()
    const upstream = connect(port, '127.0.0.1')
    keep(upstream)
    client.pipe(link()).pipe(upstream).pipe(link()).pipe(client)
    // A network that stalls brings no end of a connection either.
    const endWith = (one: Socket, other: Socket) =>
      one.once('close', () => network !== 'stall' && other.destroy())
    endWith(client, upstream)
    endWith(upstream, client)
    return client
  })
  await new Promise<void>(listening => server.listen(0, host, listening))
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    delay: 0,
    become(next) {
      network = next
      if (next === 'cut') for (const socket of sockets) socket.destroy()
      for (const one of links) one.emit('go-on')
    },
    stop: async () => {
      proxy.become('cut')
      await new Promise(closed => server.close(closed))
    },
  }
  return proxy
}
