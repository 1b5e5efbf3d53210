import { Hono } from 'hono'
import type { JSONWebKeySet } from 'jose'
import { type Mediaward, mediaward } from '../../src/index.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { PSEUDONYM_KEY } from '../support/issuer.ts'

// An app whose gate has a clock that can be moved, for what depends on hours that no test can wait for, and keys of a
// server that is named when the gate is made, or of a function that asks that server. The same file is served by workerd, Deno and Node.

let passed = 0
let gate: Mediaward | undefined

const app: Hono = new Hono()
app.post('/gate', async context => {
  const { issuer, jwks_uri, computed } = (await context.req.json()) as {
    issuer: string
    jwks_uri: string
    computed?: boolean
  }
  const jwks = async () => (await fetch(jwks_uri)).json() as Promise<JSONWebKeySet>
  const store = createMemoryStore()
  const options = {
    size: 0,
    contentType: 'video/mp4',
    ownership: { owner: 'patient-1', issuer },
    replaces: null,
  }
  await store.put('recordings/rec-1', null, options)
  passed = 0
  gate = mediaward({
    issuers: [
      {
        issuer,
        audience: 'recordings',
        algorithms: ['ES256'],
        ...(computed === true ? { jwks } : { jwks_uri }),
      },
    ],
    pseudonymKey: PSEUDONYM_KEY,
    tickets: { keys: ['only for tests: whoever reads it is nobody'] },
    publicUrl: 'https://gate.test',
    store,
    ledger: createMemoryLedger(),
    control: createMemoryControl(),
    now: () => Date.now() + passed,
  })
  return context.body(null, 201)
})
app.post('/clock/:minutes', context => {
  passed += Number(context.req.param('minutes')) * 60_000
  return context.body(null, 204)
})
app.use('/recordings/*', async (context, next) => {
  if (gate === undefined) return context.body(null, 503)
  return (await gate(context, next)) ?? context.body(null, 500)
})
export default app
