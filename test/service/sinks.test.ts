import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { createIssuer, type TestIssuer, variables } from '../support/gate-client.ts'
import { startService } from '../support/service.ts'
import { SinkServer } from '../support/sink-server.ts'

// A process that is killed while it sends, again and again.

const ROUNDS = 4
const EACH = 40
let idp: TestIssuer
beforeAll(async () => {
  idp = await createIssuer()
})

test.each(['node', 'deno'] as const)(
  'every record arrives at least once and in order, however often the gate on %s is killed while it sends',
  async runtime => {
    const sink = await SinkServer.start()
    // Slower than records come, so that each kill finds some under way.
    sink.delay = 60
    const data = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'data')
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const entry = {
      type: 'webhook',
      url: sink.url,
      secret: { secret: 'HOOK' },
      allow_internal: true,
      kinds: ['access'],
    }
    const vars = { ...variables(idp), SINKS: JSON.stringify([entry]), HOOK: secret }
    const ids: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const gate = await startService(runtime, data, vars)
      for (let i = 0; i < EACH; i++) {
        const headers = await idp.bearer(`patient-${round}-${i}`)
        const response = await fetch(`${gate.url}/recordings/rec-${i}`, { headers })
        ids.push(((await response.json()) as { instance: string }).instance.slice(9))
      }
      gate.kill('SIGKILL')
      await gate.ended
    }
    const gate = await startService(runtime, data, vars)
    try {
      const arrived = () => [...new Set(sink.calls.map(({ headers }) => headers['webhook-id']))]
      await vi.waitFor(() => expect(arrived()).toHaveLength(ids.length), { timeout: 30_000, interval: 100 })
      expect(arrived()).toEqual(ids)
      // What came again came for a kill: no more than a batch each time.
      expect(sink.calls.length).toBeLessThanOrEqual(ids.length + 20 * ROUNDS)
    } finally {
      gate.kill('SIGTERM')
      await gate.ended
      sink.stop()
    }
  },
  180_000,
)
