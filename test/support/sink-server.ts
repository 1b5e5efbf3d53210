import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A call that a sink was sent. */
export interface SinkCall {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly at: number
}

/** What a sink answers. */
export interface SinkAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A sink on the loopback, over HTTP. */
export class SinkServer {
  readonly calls: SinkCall[] = []
  url = ''
  /** Decides what is answered. Undefined hangs. */
  answer: (call: SinkCall) => SinkAnswer | undefined = () => ({ status: 200 })
  /** How long it takes to answer, in milliseconds. */
  delay = 0
  #close = () => {}

  static async start(): Promise<SinkServer> {
    const sink = new SinkServer()
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { method = '', url: path = '', headers } = request
      const call = { method, path, headers, body: Buffer.concat(chunks), at: Date.now() }
      sink.calls.push(call)
      if (sink.delay > 0) await new Promise(resolve => setTimeout(resolve, sink.delay))
      const answer = sink.answer(call)
      if (answer === undefined) return
      response.writeHead(answer.status, answer.headers).end(answer.body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    server.unref()
    const { port } = server.address() as AddressInfo
    sink.url = `http://127.0.0.1:${port}`
    sink.#close = () => {
      server.closeAllConnections()
      server.close()
    }
    return sink
  }

  /** The bodies that came, parsed. */
  get bodies(): readonly Record<string, unknown>[] {
    return this.calls.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>)
  }

  stop(): void {
    this.#close()
  }
}
