import { decodeBase64 } from '../base/bytes.ts'
import type { Outcomes } from '../follow/delivery.ts'
import { DeliveryFailure } from '../follow/delivery.ts'
import type { LogEntry } from '../render/entry.ts'
import { ownMembers } from '../render/entry.ts'
import { callSink, type SinkCaller } from './call.ts'

/** A webhook by Standard Webhooks 1.0, and its secrets, the newest first. */
export interface Webhook extends SinkCaller {
  readonly url: string
  readonly secrets: readonly string[]
}

/** Whether a secret has the form of Standard Webhooks: base64 of 24 to 64 bytes, which may have the prefix `whsec_`. */
export const isWebhookSecret = (secret: string): boolean =>
  /^(?:whsec_)?(?:[A-Za-z0-9+/]{4}){8,22}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(secret)

/**
 * Sends records to a webhook, each in a call of its own and with its id, by which the receiver recognises one that comes
 * again. Each is signed with every secret, so that receivers can change to a new one at any time.
 */
export function sendToWebhook(entries: readonly LogEntry[], webhook: Webhook): Promise<Outcomes> {
  return sendEach(entries, webhook.now, entry => {
    const { id, event } = entry
    const body = {
      type: `mediaward.${event.kind}`,
      timestamp: event.recorded ?? event.t,
      data: ownMembers(entry),
    }
    return sendSigned({ id, body: JSON.stringify(body) }, webhook)
  })
}

/**
 * How long records are sent one by one, in milliseconds. The follower forgets which ones were taken if a batch, the last call
 * included, takes longer than a minute: a receiver that is slow would get the first ones again and again.
 */
const SENDING = 25_000

/** Sends records one by one, in their order: what comes after one that is not taken waits, unless that one was refused. */
export async function sendEach<Entry>(
  entries: readonly Entry[],
  now: () => number,
  send: (entry: Entry) => Promise<void>,
): Promise<Outcomes> {
  const outcomes: Outcomes[number][] = []
  const end = now() + SENDING
  for (const entry of entries) {
    if (outcomes.length > 0 && now() >= end) {
      outcomes.push('later')
      break
    }
    try {
      await send(entry)
      outcomes.push(undefined)
    } catch (error) {
      if (!(error instanceof DeliveryFailure)) throw error
      outcomes.push(error)
      if (error.kind !== 'refused') break
    }
  }
  return entries.map((_, i) => (i < outcomes.length ? outcomes[i] : outcomes.at(-1)))
}

/** Sends a message once, signed with every secret. Its id is the same whenever it is sent again. */
export async function sendSigned(
  { id, body }: { readonly id: string; readonly body: string },
  webhook: Webhook,
): Promise<void> {
  const { url, secrets, now } = webhook
  const timestamp = `${Math.floor(now() / 1000)}`
  const signatures = secrets.map(secret => sign(secret, `${id}.${timestamp}.${body}`))
  await callSink(webhook, url, {
    headers: {
      'Content-Type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': (await Promise.all(signatures)).join(' '),
    },
    body,
  })
}

async function sign(secret: string, content: string): Promise<string> {
  const bytes = decodeBase64(secret.replace('whsec_', ''))
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content))
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`
}
