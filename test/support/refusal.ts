import { canonical } from '../../src/ledger/canonical.ts'
import { eventId } from '../../src/ledger/event-id.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'

let seq = 0

/** Returns a record of a refusal, made now. */
export function refusal(reason: string, members: object = {}, now: number = Date.now()): LedgerEntry {
  seq += 1
  const id = eventId(now)
  const t = new Date(now).toISOString()
  return {
    id,
    json: canonical({
      ...{
        v: 1,
        id,
        t,
        recorded: t,
        tenant: 'default',
        gate: { version: '0.7.0', isolate: '99e81a4e', seq },
      },
      ...{ kind: 'access', decision: 'deny', reason, status: 404, method: 'GET' },
      ...members,
    }),
  }
}
