import { eventId } from '../../src/ledger/event-id.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import type { CloudflareBindings } from '../../src/runtime/cloudflare/cloudflare.ts'
import { createCloudflareLedger } from '../../src/runtime/cloudflare/cloudflare-ledger.ts'

export { LedgerObject } from '../../src/runtime/cloudflare/ledger-object.ts'
export { LogObject } from '../../src/runtime/cloudflare/log-object.ts'

// The log without a gate: what it takes in, as fast as the inboxes are given it.

/** Of as many requests of an isolate as go in one call. */
const TOGETHER = 100
let made = 0

const pseudonym = (name: string): string => `psn_${name.padStart(32, '0')}`

/** Makes the entry of a refusal of a patient at another one's recording, as many members as it has. */
function refusal(): LedgerEntry {
  made += 1
  const now = Date.now()
  const [id, t] = [eventId(now), new Date(now).toISOString()]
  const json = JSON.stringify({
    ...{ decision: 'deny', kind: 'access', method: 'GET', reason: 'not_owner', status: 404 },
    ...{
      gate: { isolate: '99e81a4e', seq: made, version: '0.7.0' },
      id,
      recorded: t,
      t,
      tenant: 'default',
      v: 1,
    },
    ...{
      issuer: 'https://login.clinic.example/',
      client: 'patient-app',
      release: '4.12.0',
      roles: ['patient'],
    },
    ...{ subject: pseudonym(`${made % 5000}`), session: pseudonym(`5${made}`), token: pseudonym(`7${made}`) },
    ...{ owner: pseudonym(`${(made + 1) % 5000}`), recording: `rec-${(made + 1) % 5000}` },
    net: { asn: 2856, country: 'GB', ip: pseudonym(`9${made}`), prefix: '203.0.113.0/24' },
  })
  return { id, json }
}

export default {
  /** Appends so many records, or answers how many the log has. */
  async fetch(request: Request, env: CloudflareBindings): Promise<Response> {
    const ledger = createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count: 4 })
    const records = Number(new URL(request.url).searchParams.get('records') ?? 0)
    const groups = Array.from({ length: records / TOGETHER }, () => Array.from({ length: TOGETHER }, refusal))
    await Promise.all(groups.map(group => ledger.append(group)))
    const { end } = await ledger.read({ limit: 1, order: 'newest' })
    return new Response(end)
  },
}
