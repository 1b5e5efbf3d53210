import { Hono } from 'hono'
import { mediaward } from 'mediaward'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from 'mediaward/memory'
import { expect, test } from 'vitest'
import { createIssuer, PSEUDONYM_KEY } from '../support/issuer.ts'

// What an app on Deno imports, as it stands in src: nothing is built.

test('mediaward, imported by its name in Deno, streams to the owner, refuses others and keeps a record', async () => {
  const idp = await createIssuer()
  const options = {
    issuers: [idp.entry()],
    pseudonymKey: PSEUDONYM_KEY,
    store: createMemoryStore(),
    ledger: createMemoryLedger(),
    control: createMemoryControl(),
  }
  const app = new Hono()
  const gate = mediaward(options)
  app.use(gate)
  const ask = async (path: string, subject: string, init: RequestInit = {}, roles: string[] = []) => {
    const login = await idp.bearer(subject, { roles })
    return app.request(path, { ...init, headers: { ...init.headers, ...login } })
  }

  const body = 'the recording'
  const headers = { 'Mediaward-Owner': 'patient-1', 'Content-Length': String(body.length) }
  const stored = await ask('/recordings/rec-1', 'recorder-1', { method: 'PUT', body, headers }, ['recorder'])
  expect(stored.status).toBe(201)

  const own = await ask('/recordings/rec-1', 'patient-1')
  expect([own.status, await own.text()]).toEqual([200, body])
  expect((await ask('/recordings/rec-1', 'patient-2')).status).toBe(404)
  expect((await app.request('/recordings/rec-1')).status).toBe(401)

  const list = await ask('/console/api/denials', 'analyst-1', {}, ['security'])
  const reasons = (await list.text()).trim().split('\n')
  expect(reasons.map(line => (JSON.parse(line) as { reason: string }).reason)).toEqual([
    'not_owner',
    'token_missing',
  ])
})
