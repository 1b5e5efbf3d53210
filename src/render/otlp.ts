import { type Deployment, type Json, type JsonObject, type LogEntry, ownMembers } from './entry.ts'
import { factsOf, type Level } from './facts.ts'

/** Number and name of each level (OpenTelemetry's data model of logs): INFO, INFO2, WARN, ERROR. */
const SEVERITY: Readonly<Record<Level, readonly [number, string]>> = {
  1: [9, 'INFO'],
  2: [10, 'INFO2'],
  3: [13, 'WARN'],
  4: [17, 'ERROR'],
}

/**
 * Renders a record as a log record of OTLP, in its JSON encoding: 64-bit integers are strings, enumerations are numbers.
 * Attributes with the prefix `mediaward.` are the record's own members, and its index.
 */
export function renderOtlp(entry: LogEntry): JsonObject {
  const { id, event } = entry
  const { subject, method, status, net, reason } = event
  const facts = factsOf(entry)
  const [severityNumber, severityText] = SEVERITY[facts.level]
  const own = Object.entries(ownMembers(entry)).map(([name, value]) => [`mediaward.${name}`, value])
  return {
    timeUnixNano: nanoseconds(facts.time),
    observedTimeUnixNano: nanoseconds(Date.parse(event.recorded ?? event.t)),
    severityNumber,
    severityText,
    eventName: `mediaward.${facts.operation}`,
    body: { stringValue: facts.message },
    attributes: attributes({
      'log.record.uid': id,
      'user.id': subject,
      'client.address': net?.prefix,
      'http.request.method': method,
      'http.response.status_code': status,
      'error.type': reason,
      ...Object.fromEntries(own),
    }),
  }
}

/** Creates the body of a request to `/v1/logs` from rendered records (`ExportLogsServiceRequest`). */
export function otlpRequest(
  logRecords: readonly JsonObject[],
  version: string,
  { vendor, product, host }: Deployment,
): JsonObject {
  const resource = { 'service.name': product, 'service.namespace': vendor, 'service.instance.id': host }
  return {
    resourceLogs: [
      {
        resource: { attributes: attributes({ ...resource, 'service.version': version }) },
        scopeLogs: [{ scope: { name: 'mediaward', version }, logRecords }],
      },
    ],
  }
}

const nanoseconds = (milliseconds: number): string => `${milliseconds}000000`

/** Returns the members of an object as a list of `KeyValue`. */
const attributes = (members: JsonObject): readonly JsonObject[] =>
  Object.entries(members).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  )

function anyValue(value: Json): JsonObject {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: `${value}` } : { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  return value ? { kvlistValue: { values: attributes(value as JsonObject) } } : {}
}
