import { Webhook } from 'standardwebhooks'
import type { SinkFetch, SinkRequest } from '../../src/sinks/call.ts'

// Targets that check every rule of their documents. A call that breaks one is answered as the target would, and is noted.

export const TOKEN = 'B5A79AAD-D822-46CC-80D1-819F80D7BFB0'
export const WEBHOOK_SECRETS: readonly string[] = [1, 2].map(
  byte => `whsec_${Buffer.alloc(32, byte).toString('base64')}`,
)
const MIB = 2 ** 20

/** What a fake does to a record, in place of taking it. */
export type Fault = (id: string) => number | undefined

type Parsed = Record<string, unknown>

/** A call, and what a fake may do with it. */
interface Call extends SinkRequest {
  readonly url: URL
}

abstract class Fake {
  /** Ids of the records that were taken, in that order. */
  readonly ids: string[] = []
  /** What broke a rule. */
  readonly violations: string[] = []
  calls = 0
  /** Answers a call as a whole in place of the fake. */
  intercept: () => Response | undefined = () => undefined
  /** Refuses single records. */
  fault: Fault = () => undefined
  abstract readonly url: string

  readonly fetch: SinkFetch = async (address, request) => {
    this.calls += 1
    const intercepted = this.intercept()
    if (intercepted !== undefined) return intercepted
    this.rule(request.method === 'POST', 'method')
    this.rule(/^mediaward\/\d/.test(request.headers['User-Agent'] ?? ''), 'user agent')
    return this.answer({ ...request, url: new URL(address) })
  }

  protected abstract answer(call: Call): Promise<Response> | Response

  protected rule(holds: boolean, name: string): boolean {
    if (!holds) this.violations.push(name)
    return holds
  }

  protected json(body: unknown, status = 200): Response {
    return Response.json(body, { status })
  }
}

/** Splunk's HTTP Event Collector: "Format events for HTTP Event Collector", and its error codes. */
export class SplunkFake extends Fake {
  readonly url = 'https://hec.clinic.example:8088/services/collector/event'

  answer({ url, headers, body }: Call): Response {
    this.rule(url.pathname === '/services/collector/event', 'path')
    if (headers.Authorization !== `Splunk ${TOKEN}`) return this.json({ text: 'Invalid token', code: 4 }, 403)
    this.rule(headers['Content-Type'] === 'application/json', 'content type')
    this.rule(Buffer.byteLength(body) <= 5 * MIB, 'size')
    this.rule(!body.startsWith('['), 'events are not a list')
    const events = body
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Parsed)
    for (const [i, event] of events.entries()) {
      const known = ['time', 'host', 'source', 'sourcetype', 'index', 'event', 'fields']
      this.rule(
        Object.keys(event).every(key => known.includes(key)),
        'unknown metadata',
      )
      this.rule(typeof event.time === 'number' && event.time > 1e9 && event.time < 1e10, 'time in seconds')
      this.rule(typeof event.event === 'object' && event.event !== null, 'event')
      // Nested fields are not indexed.
      const fields = event.fields as Parsed
      this.rule(
        Object.values(fields).every(value => typeof value !== 'object'),
        'flat fields',
      )
      if (this.fault(`${fields.event_id}`) !== undefined) {
        return this.json({ text: 'Invalid data format', code: 6, 'invalid-event-number': i }, 400)
      }
    }
    this.ids.push(...events.map(({ fields }) => `${(fields as Parsed).event_id}`))
    return this.json({ text: 'Success', code: 0 })
  }
}

/** Elastic's bulk API into a data stream. */
export class ElasticFake extends Fake {
  readonly url = 'https://elastic.clinic.example:9243'
  readonly #stored = new Set<string>()

  answer({ url, headers, body }: Call): Response {
    this.rule(/^\/logs-[a-z0-9_.]+-[a-z0-9_.]+\/_bulk$/.test(url.pathname), 'a data stream')
    if (headers.Authorization !== `ApiKey ${TOKEN}`) return this.json({ error: {}, status: 401 }, 401)
    this.rule(headers['Content-Type'] === 'application/x-ndjson', 'content type')
    this.rule(body.endsWith('\n'), 'the last line ends')
    this.rule(Buffer.byteLength(body) <= 15 * MIB, 'size')
    const lines = body
      .slice(0, -1)
      .split('\n')
      .map(line => JSON.parse(line) as Parsed)
    const items: unknown[] = []
    for (let i = 0; i < lines.length; i += 2) {
      const [action = {}, document = {}] = lines.slice(i, i + 2)
      const { _id: id } = (action.create ?? {}) as { _id?: string }
      this.rule(Object.keys(action).join() === 'create' && id !== undefined, 'data streams take create alone')
      this.rule(typeof document['@timestamp'] === 'string', '@timestamp')
      items.push({ create: { status: this.#store(id ?? ''), error: { type: 'x', reason: 'y' } } })
    }
    this.rule(url.searchParams.get('filter_path') === 'items.*.status', 'filter')
    return this.json({
      items: items.map(item => ({ create: { status: (item as { create: Parsed }).create.status } })),
    })
  }

  #store(id: string): number {
    const fault = this.fault(id)
    if (fault !== undefined) return fault
    if (this.#stored.has(id)) return 409
    this.#stored.add(id)
    this.ids.push(id)
    return 201
  }
}

/** Datadog's logs intake, v2. */
export class DatadogFake extends Fake {
  readonly url = 'https://http-intake.logs.datadoghq.eu/api/v2/logs'

  answer({ url, headers, body }: Call): Response {
    this.rule(url.pathname === '/api/v2/logs', 'path')
    if (headers['DD-API-KEY'] !== TOKEN) return this.json({ errors: [] }, 403)
    this.rule(headers['Content-Type'] === 'application/json', 'content type')
    if (!this.rule(Buffer.byteLength(body) <= 5 * MIB, 'size')) return this.json({}, 413)
    const logs = JSON.parse(body) as Parsed[]
    this.rule(Array.isArray(logs) && logs.length <= 1_000, 'at most 1,000 logs')
    for (const log of logs) {
      this.rule(typeof log.message === 'string' && JSON.stringify(log).length <= MIB, 'message')
      this.rule(
        ['ddsource', 'ddtags', 'hostname', 'service'].every(name => typeof log[name] === 'string'),
        'attributes',
      )
      this.rule(/^[a-z]+:[^,]+(?:,[a-z]+:[^,]+)*$/.test(`${log.ddtags}`), 'tags')
    }
    const ids = logs.map(({ ocsf }) => (ocsf as { metadata: { uid: string } }).metadata.uid)
    if (ids.some(id => this.fault(id) !== undefined)) return this.json({ errors: [] }, 400)
    this.ids.push(...ids)
    return this.json({}, 202)
  }
}

/** OTLP over HTTP, JSON. */
export class OtlpFake extends Fake {
  readonly url = 'https://otel.clinic.example:4318/v1/logs'
  /** How many records of the next calls are rejected. */
  rejected = 0

  answer({ url, headers, body }: Call): Response {
    this.rule(url.pathname === '/v1/logs', 'path')
    if (headers.Authorization !== `Bearer ${TOKEN}`) return this.json({}, 401)
    this.rule(headers['Content-Type'] === 'application/json', 'content type')
    const request = JSON.parse(body) as {
      resourceLogs: {
        scopeLogs: { logRecords: { attributes: { key: string; value: { stringValue: string } }[] }[] }[]
      }[]
    }
    const records = request.resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) => logRecords),
    )
    const ids = records.map(
      ({ attributes }) => attributes.find(({ key }) => key === 'log.record.uid')?.value.stringValue ?? '',
    )
    this.rule(
      ids.every(id => id !== ''),
      'uid',
    )
    if (ids.some(id => this.fault(id) !== undefined)) return this.json({}, 400)
    this.ids.push(...ids)
    return this.json(
      this.rejected > 0
        ? { partialSuccess: { rejectedLogRecords: `${this.rejected}`, errorMessage: 'too old' } }
        : {},
    )
  }
}

/** A FHIR server that takes a batch. */
export class FhirFake extends Fake {
  readonly url = 'https://arr.clinic.example/fhir'

  answer({ url, headers, body }: Call): Response {
    this.rule(url.pathname === '/fhir', 'a batch goes to the base')
    if (headers.Authorization !== `Bearer ${TOKEN}`)
      return this.json({ resourceType: 'OperationOutcome' }, 401)
    this.rule(headers['Content-Type'] === 'application/fhir+json', 'content type')
    const bundle = JSON.parse(body) as {
      resourceType: string
      type: string
      entry: {
        resource: { resourceType: string; id: string; source: unknown; agent: unknown }
        request: Parsed
      }[]
    }
    this.rule(bundle.resourceType === 'Bundle' && bundle.type === 'batch', 'a batch')
    const entry = bundle.entry.map(({ resource, request }) => {
      this.rule(
        resource.resourceType === 'AuditEvent' && Boolean(resource.source && resource.agent),
        'AuditEvent',
      )
      this.rule(request.method === 'POST' && request.url === 'AuditEvent', 'request')
      const status = this.fault(resource.id)
      if (status === undefined) this.ids.push(resource.id)
      return { response: { status: status === undefined ? '201 Created' : `${status} No` } }
    })
    return this.json({ resourceType: 'Bundle', type: 'batch-response', entry })
  }
}

/** A receiver of Standard Webhooks that verifies with the library of its authors. */
export class WebhookFake extends Fake {
  readonly url = 'https://hooks.clinic.example/mediaward'

  answer({ headers, body }: Call): Response {
    this.rule(headers['Content-Type'] === 'application/json', 'content type')
    for (const secret of WEBHOOK_SECRETS) {
      try {
        new Webhook(secret).verify(body, { ...headers })
      } catch {
        this.rule(false, 'signature')
      }
    }
    const { type, timestamp, data } = JSON.parse(body) as { type: string; timestamp: string; data: Parsed }
    this.rule(/^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$/.test(type), 'type')
    this.rule(new Date(timestamp).toISOString() === timestamp, 'timestamp')
    this.rule(headers['webhook-id'] === data.id, 'id')
    const fault = this.fault(`${data.id}`)
    if (fault !== undefined) return new Response(null, { status: fault })
    this.ids.push(`${data.id}`)
    return new Response(null, { status: 204 })
  }
}
