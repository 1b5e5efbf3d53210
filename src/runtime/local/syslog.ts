import { connect } from 'node:tls'
import { DeliveryFailure } from '../../follow/delivery.ts'
import { renderCef } from '../../render/cef.ts'
import type { SinkPlatform, SinkTarget } from '../../sinks/receiver.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import { lookupFor } from './sink-fetch.ts'

/** The port of syslog over TLS (RFC 5425 4.1). */
const PORT = 6514
/** How long a connection may take from its beginning to its end, in milliseconds. */
const PATIENCE = 30_000

/**
 * Creates the target of a syslog sink over TLS (RFC 5425). Syslog confirms nothing. So each batch has a connection of its own,
 * which the gate ends, and counts as taken only once the receiver has ended it too: it has read everything by then.
 */
export function createSyslogTarget(sink: SinkEntry, { deployment }: SinkPlatform): SinkTarget {
  const { url = '', allow_internal = false } = sink
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    most: 500,
    collect: 500,
    async send(entries) {
      const frames = entries.map(entry => {
        const message = renderCef(entry, deployment)
        // Octet counting: the length in bytes, a blank, the message (RFC 5425 4.3).
        return `${Buffer.byteLength(message)} ${message}`
      })
      await sendFrames(frames.join(''), host, Number(port || PORT), allow_internal)
      return []
    },
  }
}

function sendFrames(frames: string, host: string, port: number, allowInternal: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      ...lookupFor(allowInternal),
    })
    let isSent = false
    const fail = (error: unknown) => {
      socket.destroy()
      reject(failureOf(error))
    }
    const timer = setTimeout(() => fail({ code: 'ETIMEDOUT' }), PATIENCE)
    socket.once('secureConnect', () => socket.end(frames, () => (isSent = true)))
    socket.once('error', fail)
    socket.once('close', () => {
      clearTimeout(timer)
      if (isSent) resolve()
      else fail({ code: 'ECONNRESET' })
    })
    // Nothing is expected. Without a reader, the end of the connection would never be seen.
    socket.resume()
  })
}

function failureOf(error: unknown): DeliveryFailure {
  if (error instanceof DeliveryFailure) return error
  const { code } = Object(error) as { code?: unknown }
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code) ? code : 'no connection'
  // A certificate that isn't trusted is not one that will be trusted later.
  const isTls = /CERT|SSL|TLS|SELF_SIGNED|VERIFY/.test(known)
  return new DeliveryFailure(isTls ? 'misconfigured' : 'unavailable', `no connection over TLS (${known})`)
}
