import { Hono } from 'hono'
import { mediaward, type RecordingStore } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { PSEUDONYM_KEY } from '../support/issuer.ts'
import { issuer } from '../workerd/issuer.ts'

/** How long the gate of these tests waits, in milliseconds. */
export const PATIENCE = 1500

/** An app whose gate has little patience with those who send. What it recorded is at `/reasons`. */
export function impatient(store: RecordingStore): Hono {
  const ledger = createMemoryLedger()
  const gate = mediaward({
    issuers: [issuer],
    pseudonymKey: PSEUDONYM_KEY,
    store,
    ledger,
    control: createMemoryControl(),
    bodyTimeouts: { json: PATIENCE, upload: PATIENCE },
  })
  const app = new Hono()
  app.use(gate)
  app.get('/reasons', async context => {
    const { entries } = await ledger.read({ limit: 1000 })
    const events = entries.map(({ json }) => JSON.parse(json) as { id: string; reason?: string })
    return context.json(Object.fromEntries(events.map(({ id, reason }) => [id, reason])))
  })
  return app
}
