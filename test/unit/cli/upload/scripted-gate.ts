import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers a request. Its body has been read, unless the answer reads none. */
export type ScriptedAnswer = (response: ServerResponse) => void

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly at: number
}

/** Answers with a status and JSON. */
export const answer = (
  status: number,
  json: object = {},
  headers: Record<string, string> = {},
): ScriptedAnswer => {
  return response => response.writeHead(status, headers).end(status === 204 ? '' : JSON.stringify(json))
}
/** Breaks the connection before it has read the body. */
export const breakConnection: ScriptedAnswer = response => response.destroy()
/** Breaks the connection in the middle of the answer. */
export const breakAnswer: ScriptedAnswer = response => {
  response.writeHead(200, { 'Content-Length': '100' }).write('{"si')
  setTimeout(() => response.destroy(), 20)
}
/** Never answers. */
export const neverAnswer: ScriptedAnswer = () => {}

/** A server that answers by a script, for answers that no gate gives on demand. */
export class ScriptedGate {
  readonly #server: Server
  /** All requests, in the order in which they arrived. */
  readonly requests: SeenRequest[] = []
  /** Chooses the answer to a request, of which the body has not been read yet. */
  script: (request: Omit<SeenRequest, 'body'>) => ScriptedAnswer = () => answer(200)

  constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  start(): Promise<void> {
    return new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** What was asked, as in `PUT /recordings/rec-1`. */
  get lines(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    const seen = { method, path, headers, at: Date.now() }
    const reply = this.script(seen)
    const chunks: Buffer[] = []
    if (reply !== breakConnection) {
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer)
      } catch {
        // The client broke off: the gate has no whole request.
        return
      }
    }
    this.requests.push({ ...seen, body: Buffer.concat(chunks) })
    reply(response)
  }
}
