import type { Secret } from '../base/secret.ts'
import type { EventKind } from '../ledger/event.ts'

/** The kinds of systems that records can be sent to. */
export const SINK_TYPES = [
  'webhook',
  'splunk',
  'elastic',
  'datadog',
  'otlp',
  'fhir',
  'syslog',
  'files',
] as const
/** One of {@link SINK_TYPES}. */
export type SinkType = (typeof SINK_TYPES)[number]

/** A system that the records of the log are sent to. */
export interface SinkEntry {
  readonly type: SinkType
  /**
   * What the sink is called in commands, and the key of its cursor: under another name it is a new sink.
   *
   * @defaultValue the type
   */
  readonly name?: string
  /** Its address (`https://`; of syslog `tls://HOST:PORT`). */
  readonly url?: string
  /**
   * Its secret; of a webhook, during a rotation, several. In `SINKS` each is `{"secret":"NAME"}`, and the variable `NAME`
   * holds it.
   */
  readonly secret?: string | Secret | readonly (string | Secret)[]
  /** Sends records of these kinds alone. */
  readonly kinds?: readonly EventKind[]
  /** Sends this tenant's records alone, as its own analysts see them. */
  readonly tenant?: string
  /** Permits an address within a network of one's own. Without it, the gate could be used to call services in there. */
  readonly allow_internal?: boolean
  /**
   * Where a new sink begins: at the `start` of the log, or at an index.
   *
   * @defaultValue at the end
   */
  readonly from?: 'start' | number
  /** Of splunk: the index that events go to. Default: that of the token. */
  readonly index?: string
  /** Of elastic: the data stream. Default `logs-mediaward.log-default`. */
  readonly data_stream?: string
  /** Of otlp and fhir: the header that the secret is sent in as it is. Default: `Authorization`, as a bearer token. */
  readonly header?: string
  /** Of files in S3: the bucket, which must exist. */
  readonly bucket?: string
  /** Of files in S3: the id of the key whose secret is `secret`. */
  readonly access_key_id?: string
  /** Of files in S3: the region. Default `auto`. */
  readonly region?: string
  /** Of fhir: the base URL under which you publish the profiles of docs/fhir. */
  readonly profiles?: string
  /** Of syslog: your private enterprise number. */
  readonly enterprise?: number
}

/** Returns what a sink is called. */
export const sinkName = ({ type, name = type }: Pick<SinkEntry, 'type' | 'name'>): string => name
