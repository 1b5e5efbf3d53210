import { DeliveryFailure } from '../follow/delivery.ts'
import type { FindingFacts } from '../ledger/facts/finding-facts.ts'
import type { ReadEntry } from '../ledger/ledger.ts'
import { parseEvent } from '../ledger/query/terms.ts'
import { callSink } from '../sinks/call.ts'
import { secretsOf } from '../sinks/formats.ts'
import { type FollowedSink, logEntry, type SinkPlatform } from '../sinks/receiver.ts'
import { sendEach, sendSigned } from '../sinks/webhook.ts'
import { isAtLeast } from '../watch/severity.ts'
import { type AlertEntry, alertName } from './alert.ts'
import { FORMATS } from './formats.ts'
import { type Message, messageOf, type TitleOf } from './message.ts'

/** What alerts take beside their entry. */
export interface AlertPlatform extends Pick<SinkPlatform, 'fetchFor' | 'now'> {
  readonly titleOf: TitleOf
  /** The gate's own address, which alerts name. */
  readonly publicUrl?: string | undefined
}

/** Most alerts in one turn: after a crash so many may come again, with the same ids. */
const MOST = 20
/** What a receiver hears of. */
const HEARD: readonly FindingFacts['action'][] = ['opened', 'raised', 'unsuppressed', 'reopened']
/** What it hears of once it has heard of the finding. */
const ENDS: readonly FindingFacts['action'][] = ['contained', 'acknowledged', 'closed']

/**
 * Has a system alerted: it follows the log, and is sent the records of findings that are severe enough. What the log has is
 * sent, whatever fails in between: the record of a finding is its own outbox.
 *
 * @param entry was checked
 */
export function followedAlert(entry: AlertEntry, platform: AlertPlatform): FollowedSink {
  const { type, severity: least = 'high', escalation = false, tenant } = entry
  const name = `alert:${alertName(entry)}`
  return {
    name,
    type,
    receiver: {
      name,
      most: MOST,
      collect: 0,

      select(read) {
        const event = parseEvent(read.json) as unknown as FindingFacts & { readonly tenant?: string }
        const { kind, action, severity = 'info', dry_run, escalated, suppression, finding } = event
        if (kind !== 'finding' || finding === undefined || dry_run === true) return undefined
        // An incident that began before the suppression must end.
        const isEnd = type === 'pagerduty' && ENDS.includes(action)
        if ((suppression !== undefined && !isEnd) || !isAtLeast(severity, least)) return undefined
        if (tenant !== undefined && event.tenant !== tenant) return undefined
        const begins = escalation ? ['escalated'] : HEARD
        const isKnown = !escalation || escalated === true
        return begins.includes(action) || (isKnown && ENDS.includes(action)) ? read : undefined
      },

      deliver: entries => sendEach(entries, platform.now, one => send(one, entry, platform)),
    },
  }
}

async function send(read: ReadEntry, entry: AlertEntry, platform: AlertPlatform): Promise<void> {
  const message = messageOf(logEntry(read), platform.titleOf, platform.publicUrl)
  const [secret = ''] = secretsOf(entry)
  const { fetchFor, now } = platform
  const caller = { fetch: fetchFor(entry), now }
  if (entry.type === 'webhook') {
    const webhook = { ...caller, url: entry.url ?? '', secrets: secretsOf(entry) }
    return sendSigned({ id: read.id, body: bodyOf(message) }, webhook)
  }
  const call = FORMATS[entry.type](message, entry, secret)
  if (call === undefined) return
  const { url, headers, body } = call
  // PagerDuty and the services of e-mail answer 4xx to a call that they will never take.
  await callSink(caller, url, {
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }).catch((error: unknown) => {
    if (error instanceof DeliveryFailure) throw error
    throw new DeliveryFailure('unavailable', 'the call failed')
  })
}

const bodyOf = (message: Message): string =>
  JSON.stringify({
    type: message.action === 'test' ? 'mediaward.test' : `mediaward.finding.${message.action}`,
    timestamp: message.time,
    data: message,
  })
