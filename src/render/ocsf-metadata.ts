import type { Deployment, JsonObject, LogEntry } from './entry.ts'

/** What each event of OCSF 1.8.0 says of the product, the deployment and the record that it is of. */
export const ocsfMetadata = (
  { index, id, event }: LogEntry,
  { vendor, product, platform }: Deployment,
  code: string,
): JsonObject => ({
  metadata: {
    version: '1.8.0',
    product: { name: product, vendor_name: vendor, version: event.gate.version },
    profiles: ['cloud', 'security_control'],
    uid: id,
    sequence: index,
    event_code: code,
    tenant_uid: event.tenant,
    logged_time: Date.parse(event.recorded ?? event.t),
  },
  cloud: { provider: platform },
})
