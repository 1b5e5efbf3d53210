import { connect } from 'node:net'

export interface RawAnswer {
  /** 0 where the connection ended without an answer. */
  readonly status: number
  readonly head: string
  readonly body: Buffer
  readonly milliseconds: number
}

/** Sends bytes as they stand over a connection of their own and takes what comes back until it closes. */
export function sendRaw(port: number, request: Buffer | string, timeout = 10_000): Promise<RawAnswer> {
  return new Promise(resolve => {
    const started = Date.now()
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    const finish = () => {
      socket.destroy()
      const all = Buffer.concat(chunks)
      const end = all.indexOf('\r\n\r\n')
      const head = all.subarray(0, end < 0 ? all.length : end).toString('latin1')
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0)
      resolve({
        status,
        head,
        body: end < 0 ? Buffer.alloc(0) : all.subarray(end + 4),
        milliseconds: Date.now() - started,
      })
    }
    socket.setTimeout(timeout, finish)
    socket.on('connect', () => socket.write(request))
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('close', finish)
    socket.on('error', () => {})
  })
}
