import { connect, isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as secure } from 'node:tls'
import { StorageFault } from '../../base/storage-fault.ts'
import type { Database } from './options.ts'

/** Asks the server for TLS (https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
/** After so many milliseconds of silence the machine asks the other one whether it is there (RFC 9293 3.8.4). */
const KEEP_ALIVE = 60_000

/**
 * One connection to the server, as the driver `postgres` is given it. The driver never learns that it closed, only that it
 * failed: on a `close` it forgets its socket, and what it still has to write then throws where nothing can catch it, and
 * would end the process (https://github.com/porsager/postgres/issues/1208). That happens to each transaction that is cut
 * off, as the driver rolls it back.
 */
export class Wire extends Duplex {
  readonly #socket: Duplex

  constructor(socket: Duplex) {
    super({ emitClose: false })
    this.#socket = socket
    socket.on('data', chunk => {
      if (!this.push(chunk)) socket.pause()
    })
    // An error without a listener would end the process.
    this.on('error', () => {})
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }
}

/** A connection that is being opened or is open. */
export interface Line {
  /** Resolves when it is open. */
  readonly open: Promise<Wire>
  /** Rejects when it is lost, with the reason. */
  readonly lost: Promise<never>
  destroy(): void
}

/** Opens a connection. With TLS, the certificate must be the host's, also if the host is an address. */
export function openLine({ host, port, tls }: Database): Line {
  const { promise: lost, reject } = Promise.withResolvers<never>()
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE })
  socket.once('error', reject)
  socket.once('close', () => reject(new StorageFault('the connection to PostgreSQL was closed')))
  const opened = tls === 'none' ? once(socket, 'connect').then(() => socket) : openTls(socket)
  const open = Promise.race([opened, lost]).then(stream => {
    const wire = new Wire(stream)
    lost.catch((error: Error) => wire.destroy(error))
    return wire
  })
  // Both are for those who wait for them.
  for (const promise of [opened, open, lost]) promise.catch(() => {})
  return { open, lost, destroy: () => socket.destroy() }

  async function openTls(plain: Socket): Promise<Duplex> {
    await once(plain, 'connect')
    const answer = once<Buffer>(plain, 'data')
    plain.write(SSL_REQUEST)
    // More than the one letter could be put in by a machine on the way, to be read as if it had come through TLS.
    if (!(await answer).equals(Buffer.from('S'))) throw new StorageFault('PostgreSQL offers no TLS')
    const stream = secure({
      socket: plain,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: tls === 'verified',
    })
    stream.on('error', reject)
    await once(stream, 'secureConnect')
    return stream
  }
}

const once = <Value>(emitter: Duplex, event: string): Promise<Value> =>
  new Promise(resolve => emitter.once(event, resolve))
