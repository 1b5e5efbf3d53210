import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { ArrivedAlert } from '../../page/incident-times.ts'
import { parseJson } from '../json.ts'

/** Most alerts that are kept, and most bytes of one. */
const KEPT = 20
const MOST = 65_536
/** How far the clock of a sender may be off, in seconds, as Standard Webhooks has it. */
const TOLERANCE = 300

/**
 * Receives the alerts of the demo clinic's gate for the page, by Standard Webhooks 1.0. Any program on this machine can call it,
 * so what isn't signed by the gate is refused.
 */
export class AlertReceiver {
  /** The secret that the gate signs with. Made here, and gone with this process. */
  readonly secret: string = `whsec_${randomBytes(32).toString('base64')}`
  readonly #arrived = new Map<string, ArrivedAlert>()

  /** The newest alerts, the oldest of them first. */
  get arrived(): readonly ArrivedAlert[] {
    return [...this.#arrived.values()]
  }

  /** Takes an alert. Resolves to the status that answers it. */
  async take(request: IncomingMessage): Promise<204 | 401 | 413> {
    // When it came, and not when it was read and checked.
    const at = Date.now()
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MOST) return 413
      chunks.push(chunk)
    }
    const body = Buffer.concat(chunks).toString()
    const id = this.#idOf(request.headers, body)
    const message = id === undefined ? undefined : parseJson(body)
    if (id === undefined || message === undefined) return 401
    // The gate sends it again if it didn't see the answer: it has arrived once.
    if (!this.#arrived.has(id)) this.#arrived.set(id, { id, at, message })
    for (const old of [...this.#arrived.keys()].slice(0, -KEPT)) this.#arrived.delete(old)
    return 204
  }

  /** Returns the id of a message; undefined if it isn't signed with the secret, or was signed long ago. */
  #idOf(headers: IncomingHttpHeaders, body: string): string | undefined {
    const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
      name => headers[name],
    )
    if (typeof id !== 'string' || typeof signatures !== 'string') return undefined
    if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE)) return undefined
    const key = Buffer.from(this.secret.replace('whsec_', ''), 'base64')
    const own = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
    const isOwn = signatures.split(' ').some(signature => {
      const given = Buffer.from(signature.replace('v1,', ''), 'base64')
      return given.length === own.length && timingSafeEqual(given, own)
    })
    return isOwn ? id : undefined
  }
}
