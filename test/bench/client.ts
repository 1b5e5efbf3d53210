import { connect, type Socket } from 'node:net'

/** A request and what must come back. */
export interface Exchange {
  /** The request as it goes over the wire. */
  readonly request: string
  readonly status: number
  /** Bytes of the body; undefined where any will do. */
  readonly length?: number
  /** Whether it must be a refusal with a record of its own. One that only is counted says when to come again. */
  readonly recorded?: true
}

// One buffer for all connections: a read is looked at before the next one is made, and nothing of it is kept.
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024)
const HEAD_END = Buffer.from('\r\n\r\n')

/** A GET as bytes. */
export function get(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`
}

let networks = 0

/** A GET that repeats none before: each comes from another network, as few of repeated refusals are recorded. */
export function getFromNewNetwork(path: string, headers: Readonly<Record<string, string>>): string {
  networks += 1
  const address = `${1 + ((networks >> 16) % 200)}.${(networks >> 8) & 255}.${networks & 255}.1`
  // As Cloudflare writes it, and the proxy in front of one machine.
  return get(path, { ...headers, 'CF-Connecting-IP': address, 'X-Real-IP': address })
}

/**
 * One kept connection. It reads just enough HTTP to know where an answer ends: all workers say Content-Length
 * here. A client that does more would be what is measured.
 */
export class Client {
  readonly #socket: Socket
  #expected: Exchange | undefined
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}
  /** The head so far, while it is incomplete. */
  #head: Buffer | undefined
  /** Bytes of the body that have yet to come. */
  #left = 0

  /** Connects to a port of the loopback. */
  static async open(port: number): Promise<Client> {
    const client = new Client(port)
    await new Promise((resolve, reject) => {
      client.#socket.once('connect', resolve).once('error', reject)
    })
    return client
  }

  private constructor(port: number) {
    const callback = (length: number, buffer: Uint8Array) => {
      this.#take(buffer as Buffer, length)
      return true
    }
    const onread = { buffer: READ_BUFFER, callback }
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread })
    this.#socket.on('close', () => this.#reject(new Error('the worker closed the connection')))
    this.#socket.on('error', error => this.#reject(error))
  }

  /** Sends a request; resolves with the last byte of its answer, rejects where it isn't the expected one. */
  send(exchange: Exchange): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#expected = exchange
      this.#resolve = resolve
      this.#reject = reject
      // Once it is closed, it says nothing more of what is written.
      if (this.#socket.destroyed) reject(new Error('the worker has closed the connection'))
      this.#socket.write(exchange.request, 'latin1')
    })
  }

  close(): void {
    this.#reject = () => {}
    this.#socket.destroy()
  }

  #take(buffer: Buffer, length: number): void {
    if (this.#left > 0) {
      this.#left -= length
    } else {
      const read = buffer.subarray(0, length)
      const bytes = this.#head === undefined ? read : Buffer.concat([this.#head, read])
      const end = bytes.indexOf(HEAD_END)
      if (end < 0) {
        this.#head = Buffer.from(bytes)
        return
      }
      this.#head = undefined
      const body = this.#begin(bytes.toString('latin1', 0, end))
      if (body === undefined) return
      this.#left = body - (bytes.length - end - HEAD_END.length)
    }
    if (this.#left < 0) this.#fail('the worker sent more than it said')
    if (this.#left === 0) this.#resolve()
  }

  /** Checks the head of an answer; returns how many bytes its body has. */
  #begin(head: string): number | undefined {
    const status = Number(head.slice(9, 12))
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
    const { status: right, length: asked, recorded } = this.#expected ?? {}
    if (recorded && /\r\nretry-after:/i.test(head)) {
      this.#fail('the worker counted a refusal that it was to record')
      return undefined
    }
    if (status === right && length === (asked ?? length)) return length
    this.#fail(`the worker answered ${status} with ${length} bytes, not ${right} with ${asked ?? 'some'}`)
    return undefined
  }

  #fail(what: string): void {
    this.#reject(new Error(what))
    this.close()
  }
}
