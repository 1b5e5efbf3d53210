import { present } from '../base/present.ts'
import type { Outcomes, Receiver } from '../follow/delivery.ts'
import type { ReadEntry } from '../ledger/ledger.ts'
import { parseEvent } from '../ledger/query/terms.ts'
import { tenantView } from '../ledger/tenant-view.ts'
import type { Deployment, LogEntry, RenderedEvent } from '../render/entry.ts'
import { callSink, type SinkFetch } from './call.ts'
import { FORMATS, secretsOf } from './formats.ts'
import { type SinkEntry, type SinkType, sinkName } from './sink.ts'
import { sendToWebhook } from './webhook.ts'

/** What a type of sinks is to the follower. */
export interface SinkTarget {
  /** Most records in one call. */
  readonly most: number
  /** How long records are collected, in milliseconds. */
  readonly collect: number
  send(entries: readonly LogEntry[]): Promise<Outcomes>
}

/** A system that follows the log. */
export interface FollowedSink {
  /** Its name, and the key of its cursor. */
  readonly name: string
  readonly type: string
  /** Where it begins if it is new: at the `start` of the log, or at an index. Default: at the end. */
  readonly from?: 'start' | number
  readonly receiver: Receiver
}

/** What a runtime gives to sinks. */
export interface SinkPlatform {
  readonly deployment: Deployment
  /** Returns what calls a sink. */
  readonly fetchFor: (sink: Pick<SinkEntry, 'allow_internal'>) => SinkFetch
  readonly now: () => number
  /** The types that not every runtime has, such as `files`. */
  readonly targets: Readonly<
    Partial<Record<SinkType, (sink: SinkEntry, platform: SinkPlatform) => SinkTarget>>
  >
}

/** Returns what sinks say of the deployment that wrote the log. */
export const deploymentAt = (publicUrl: string | undefined, platform: string): Deployment => ({
  vendor: 'Mediaward',
  product: 'Mediaward',
  host: publicUrl === undefined ? 'mediaward' : new URL(publicUrl).hostname,
  platform,
  fhir: 'https://mediaward.example/fhir',
})

/** Records come in bursts. Collected so long, in milliseconds, most of a burst goes in one call. */
const COLLECT = 200
/** Most records that a webhook is sent before the state is stored: so many may come again after a crash. */
const WEBHOOK_BATCH = 20

/**
 * Has a sink follow the log.
 *
 * @param sink was checked
 */
export function followedSink(sink: SinkEntry, platform: SinkPlatform): FollowedSink {
  const { type, from } = sink
  const receiver = createReceiver(sink, platform)
  return { name: receiver.name, type, receiver, ...present({ from }) }
}

/**
 * Creates what a follower hands records over to.
 *
 * @param sink was checked
 */
export function createReceiver(sink: SinkEntry, platform: SinkPlatform): Receiver {
  const { kinds, tenant, profiles, enterprise } = sink
  const deployment = {
    ...platform.deployment,
    ...present({ fhir: profiles, enterprise }),
  }
  const { most, collect, send } = targetOf(sink, { ...platform, deployment })
  return {
    name: sinkName(sink),
    most,
    collect,

    select(entry) {
      if (kinds !== undefined && !kinds.some(kind => kind === parseEvent(entry.json).kind)) return undefined
      if (tenant === undefined) return entry
      const json = tenantView(entry.json, tenant)
      return json === undefined ? undefined : { ...entry, json }
    },

    deliver: entries => send(entries.map(logEntry)),
  }
}

/** Returns a record with its members. */
export const logEntry = ({ index, id, json }: ReadEntry): LogEntry => ({
  index,
  id,
  event: parseEvent(json) as unknown as RenderedEvent,
})

function targetOf(sink: SinkEntry, platform: SinkPlatform): SinkTarget {
  const { type, url = '' } = sink
  const { fetchFor, now, targets } = platform
  const fetch = fetchFor(sink)
  const secrets = secretsOf(sink)
  if (type === 'webhook') {
    return {
      most: WEBHOOK_BATCH,
      collect: 0,
      send: entries => sendToWebhook(entries, { url, secrets, fetch, now }),
    }
  }
  if (type === 'syslog' || type === 'files') {
    const create = targets[type]
    if (create === undefined) throw new Error(`this runtime has no sinks of the type ${type}`)
    return create(sink, platform)
  }
  const { most, contentType, authorize, path, body, outcomes } = FORMATS[type]
  return {
    most,
    collect: COLLECT,
    async send(entries) {
      const answer = await callSink({ fetch, now }, url.replace(/\/$/, '') + (path?.(sink) ?? ''), {
        headers: {
          'Content-Type': contentType,
          ...(secrets[0] !== undefined && authorize(secrets[0], sink)),
        },
        body: body(entries, sink, platform.deployment),
      })
      return outcomes?.(answer, entries.length) ?? []
    },
  }
}
