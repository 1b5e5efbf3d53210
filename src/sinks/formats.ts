import { Secret } from '../base/secret.ts'
import { DeliveryFailure, type Outcomes } from '../follow/delivery.ts'
import { VERSION } from '../ledger/event.ts'
import { renderEcs } from '../render/ecs.ts'
import type { Deployment, LogEntry } from '../render/entry.ts'
import { factsOf } from '../render/facts.ts'
import { renderFhir } from '../render/fhir.ts'
import { renderOcsf } from '../render/ocsf.ts'
import { otlpRequest, renderOtlp } from '../render/otlp.ts'
import type { SinkEntry, SinkType } from './sink.ts'

/** What a system takes over HTTP, and how it answers. */
export interface HttpFormat {
  /** Most records in one call. */
  readonly most: number
  readonly contentType: string
  /** Returns the header with the secret. */
  readonly authorize: (secret: string, sink: SinkEntry) => Readonly<Record<string, string>>
  readonly path?: (sink: SinkEntry) => string
  readonly body: (entries: readonly LogEntry[], sink: SinkEntry, deployment: Deployment) => string
  /** Reads from an answer of success what became of each record. Default: all were taken. */
  readonly outcomes?: (answer: unknown, count: number) => Outcomes
}

/** The types that are called over HTTP with a batch. */
export type BatchType = Exclude<SinkType, 'webhook' | 'syslog' | 'files'>

const JSON_TYPE = 'application/json'
const bearer = (secret: string, { header }: SinkEntry) =>
  header === undefined ? { Authorization: `Bearer ${secret}` } : { [header]: secret }
const lines = (values: readonly unknown[]) => values.map(value => `${JSON.stringify(value)}\n`).join('')

export const FORMATS: Readonly<Record<BatchType, HttpFormat>> = {
  // Objects one after the other, not a list. There is no duplicate check, so each event carries its id.
  splunk: {
    most: 500,
    contentType: JSON_TYPE,
    authorize: secret => ({ Authorization: `Splunk ${secret}` }),
    body: (entries, { index }, deployment) =>
      lines(
        entries.map(entry => ({
          time: factsOf(entry).time / 1000,
          host: deployment.host,
          source: 'mediaward',
          sourcetype: 'ocsf:json',
          index,
          event: renderOcsf(entry, deployment),
          fields: { event_id: entry.id, log_index: entry.index },
        })),
      ),
  },
  // With `create` and an id, a record that is there already is answered 409: each is stored once.
  elastic: {
    most: 500,
    contentType: 'application/x-ndjson',
    authorize: secret => ({ Authorization: `ApiKey ${secret}` }),
    path: ({ data_stream = 'logs-mediaward.log-default' }) =>
      `/${data_stream}/_bulk?filter_path=items.*.status`,
    body: (entries, _, deployment) =>
      lines(entries.flatMap(entry => [{ create: { _id: entry.id } }, renderEcs(entry, deployment)])),
    outcomes: (answer, count) =>
      itemsOf(answer, 'items', count).map(item =>
        failureOf(Number(memberOf(memberOf(item, 'create'), 'status')), status => status === 409),
      ),
  },
  datadog: {
    most: 1000,
    contentType: JSON_TYPE,
    authorize: secret => ({ 'DD-API-KEY': secret }),
    body: (entries, _, deployment) =>
      JSON.stringify(
        entries.map(entry => {
          const { message, level } = factsOf(entry)
          return {
            ddsource: 'mediaward',
            ddtags: `kind:${entry.event.kind},tenant:${entry.event.tenant}`,
            hostname: deployment.host,
            service: 'mediaward',
            status: ['info', 'notice', 'warning', 'error'][level - 1],
            timestamp: entry.event.t,
            message,
            ocsf: renderOcsf(entry, deployment),
          }
        }),
      ),
  },
  otlp: {
    most: 500,
    contentType: JSON_TYPE,
    authorize: bearer,
    body: (entries, _, deployment) =>
      JSON.stringify(otlpRequest(entries.map(renderOtlp), VERSION, deployment)),
    // The specification forbids to send rejected records again, and doesn't say which ones they are.
    outcomes(answer, count) {
      const rejected = Number(memberOf(memberOf(answer, 'partialSuccess'), 'rejectedLogRecords') ?? 0)
      if (!(rejected > 0)) return []
      const which = `${rejected} of the ${count} records from this one on were rejected, without saying which`
      return [new DeliveryFailure('rejected', which)]
    },
  },
  fhir: {
    most: 50,
    contentType: 'application/fhir+json',
    authorize: bearer,
    body: (entries, _, deployment) =>
      JSON.stringify({
        resourceType: 'Bundle',
        type: 'batch',
        entry: entries.map(entry => ({
          resource: renderFhir(entry, deployment),
          request: { method: 'POST', url: 'AuditEvent' },
        })),
      }),
    outcomes: (answer, count) =>
      itemsOf(answer, 'entry', count).map(entry =>
        failureOf(Number.parseInt(`${memberOf(memberOf(entry, 'response'), 'status')}`, 10)),
      ),
  },
}

/** Returns the secrets of a sink, the newest first. */
export const secretsOf = ({ secret = [] }: Pick<SinkEntry, 'secret'>): readonly string[] =>
  [secret].flat().map(one => Secret.of(one as string | Secret).reveal())

/** Returns what a status says of one record of a batch. */
function failureOf(status: number, isTaken = (_: number) => false): DeliveryFailure | undefined {
  if ((status >= 200 && status < 300) || isTaken(status)) return undefined
  if ([400, 413, 422].includes(status))
    return new DeliveryFailure('refused', `status ${status} for the record`)
  const kind = status === 429 || !(status < 500) ? 'unavailable' : 'misconfigured'
  return new DeliveryFailure(kind, `status ${status} for a record`)
}

/** Returns what is said of each record. An answer that says less is not an answer to the call. */
function itemsOf(answer: unknown, name: string, count: number): readonly unknown[] {
  const items = memberOf(answer, name)
  if (Array.isArray(items) && items.length === count) return items
  throw new DeliveryFailure(
    'misconfigured',
    'an answer that does not say what became of each record: check "url"',
  )
}

const memberOf = (value: unknown, name: string): unknown =>
  (Object(value) as Readonly<Record<string, unknown>>)[name]
