import { compact, type Deployment, type JsonObject, type LogEntry, ownMembers } from './entry.ts'
import { type Activity, factsOf, type Level } from './facts.ts'

const TYPES: Readonly<Record<Activity, string>> = {
  create: 'creation',
  read: 'access',
  change: 'change',
  delete: 'deletion',
  other: 'info',
}

/** Severity of a level, on the scale of Elastic's own risk scores: 21 low, 47 medium, 73 high. */
const SEVERITY: Readonly<Record<Level, number>> = { 1: 0, 2: 21, 3: 47, 4: 73 }

/**
 * Renders a record as a document of Elastic Common Schema 9.4. `mediaward` is the record itself, with its index.
 *
 * The category is `api`: of the categories that fit, only this one permits that an access was denied.
 */
export function renderEcs(entry: LogEntry, { vendor, product, host }: Deployment): JsonObject {
  const { index, id, event } = entry
  const { subject, roles, net, method, status, reason, decision } = event
  const facts = factsOf(entry)
  return {
    ...compact({
      '@timestamp': event.t,
      ecs: { version: '9.4.0' },
      message: facts.message,
      event: {
        kind: 'event',
        category: ['api'],
        type: [TYPES[facts.activity], decision && (decision === 'permit' ? 'allowed' : 'denied')],
        action: facts.operation,
        outcome: facts.outcome,
        reason,
        code: facts.code,
        id,
        sequence: index,
        severity: SEVERITY[facts.level],
        module: 'mediaward',
        dataset: 'mediaward.log',
        provider: product,
        created: event.recorded,
      },
      user: { id: subject, roles },
      source: {
        address: net?.prefix,
        as: { number: net?.asn },
        geo: { country_iso_code: net?.country },
      },
      http: { request: { id, method }, response: { status_code: status } },
      observer: { vendor, product, type: 'gateway', version: event.gate.version, hostname: host },
      organization: { id: event.tenant },
      related: { user: facts.people },
    }),
    mediaward: ownMembers(entry),
  }
}
