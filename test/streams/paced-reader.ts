import { connect } from 'node:net'

/** What became of an answer that was read at a pace. */
export interface PacedAnswer {
  /** The head of the answer, in lower case. */
  readonly head: string
  /** Bytes of its body. */
  readonly bytes: number
  /** When the last of them came, by `performance.now()`. */
  readonly last: number
  /** The code of the error that ended the connection, such as `ECONNRESET`. */
  readonly error: string | undefined
}

/** An answer that is being read. */
export interface PacedReader {
  /** Bytes of the body so far. */
  readonly bytes: () => number
  /** Resolves when the connection has ended. */
  readonly over: Promise<PacedAnswer>
  readonly leave: () => void
}

/** Gets a path over a connection of its own, and reads no faster than so many bytes a second. */
export function readPaced(url: string, headers: Record<string, string>, pace: number): PacedReader {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect(Number(port), hostname)
  const lines = Object.entries({ host: hostname, connection: 'close', ...headers })
  socket.write(`GET ${pathname} HTTP/1.1\r\n${lines.map(line => `${line.join(': ')}\r\n`).join('')}\r\n`)
  const began = performance.now()
  let head = ''
  let bytes = 0
  let last = began
  let code: string | undefined
  socket.on('data', (chunk: Buffer) => {
    last = performance.now()
    const start = head === '' ? chunk.indexOf('\r\n\r\n') + 4 : 0
    head ||= chunk.subarray(0, start).toString('latin1').toLowerCase()
    bytes += chunk.length - start
    const ahead = (bytes / pace) * 1000 - (last - began)
    if (ahead < 5) return
    socket.pause()
    setTimeout(() => socket.resume(), ahead)
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code
  })
  const over = new Promise<PacedAnswer>(resolve => {
    socket.on('close', () => resolve({ head, bytes, last, error: code }))
  })
  return { bytes: () => bytes, over, leave: () => void socket.destroy() }
}
