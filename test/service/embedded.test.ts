import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { AccessEvent, LedgerEvent } from '../../src/ledger/event.ts'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, records, store, variables } from '../support/gate-client.ts'
import { startService } from '../support/service.ts'

// The gate in an app of somebody else's: what is right without a word about it.

const APP = 'test/service/embedded.app.ts'

/** All records in a data folder that nobody has. */
function eventsIn(data: string): LedgerEvent[] {
  const database = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT json FROM event UNION ALL SELECT json FROM held_delivery').all() as {
    json: string
  }[]
  database.close()
  return rows.map(({ json }) => JSON.parse(json) as LedgerEvent)
}

test.each(['deno', 'node'] as const)(
  'an app on %s records where requests come from, and on closing what it has counted',
  async runtime => {
    const idp = await createIssuer()
    const data = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const service = await startService(runtime, data, variables(idp), APP)
    const gate = { url: service.url } as RunningGate
    expect((await store(gate, idp, '/recordings/rec-1', 'patient-1', '0123456789')).status).toBe(201)
    const ask = async (subject: string) => {
      const headers = await idp.bearer(subject, { jti: subject })
      const response = await fetch(`${service.url}/recordings/rec-1`, { headers })
      return [response.status, (await response.text()).length > 0]
    }
    expect(await ask('patient-1')).toEqual([200, true])
    for (let i = 0; i < 6; i++) expect(await ask('patient-2')).toEqual([404, true])
    // Read through the app's own route, which is one of the same gate.
    const kinds = (await records(gate, idp)).map(({ kind }) => kind)
    expect(kinds).toContain('view')
    expect(kinds).not.toContain('delivery')

    service.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    // Given back: nothing waits in a write-ahead log.
    expect(readdirSync(data).filter(name => /-(wal|shm)$/.test(name))).toEqual([])
    const events = eventsIn(data)
    expect(events.filter(({ kind }) => kind === 'delivery')).toMatchObject([{ bytes: 10 }])
    const refusals = events.filter((event): event is AccessEvent => event.kind === 'access')
    const counted = refusals.flatMap(({ repeats }) => (repeats && 'count' in repeats ? [repeats.count] : []))
    expect(refusals.length - counted.length + counted.reduce((sum, count) => sum + count, 0)).toBe(6)
    const ofCallers = events.filter(({ kind }) => kind !== 'heartbeat' && kind !== 'finding')
    expect(new Set(ofCallers.map(({ net }) => net?.prefix))).toEqual(new Set(['127.0.0.0/24']))
  },
)
