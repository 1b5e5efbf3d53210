import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle, DURABLE_OBJECTS } from '../../src/cli/workerd.ts'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'
import { startService } from '../support/service.ts'

// What only `mediaward dev` has, asked for at each program that is deployed. The variables are those that `dev` sets.

const DEVELOPMENT = { DEVELOPMENT_PAGE: 'http://127.0.0.1:8887/' }

interface Deployed {
  readonly url: string
  stop(): Promise<unknown>
}

async function startServer(runtime: 'deno' | 'node', given: Record<string, string>): Promise<Deployed> {
  const { url, kill, ended } = await startService(runtime, mkdtempSync(join(tmpdir(), 'mediaward-')), given)
  const stop = () => {
    kill('SIGTERM')
    return ended
  }
  return { url, stop }
}

async function startWorker(bindings: Record<string, string>): Promise<Deployed> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'deployed',
      modules: true,
      script: await bundle(),
      compatibilityDate: '2026-10-20',
      bindings,
      r2Buckets: ['RECORDINGS', 'AUDIT'],
      durableObjects: DURABLE_OBJECTS,
      cf: false,
      telemetry: { enabled: false },
    }),
  )
  return { url: (await miniflare.ready).origin, stop: () => miniflare.dispose() }
}

describe.each([
  ['the worker', startWorker],
  ['mediaward-server', (given: Record<string, string>) => startServer('node', given)],
  ['the server on Deno', (given: Record<string, string>) => startServer('deno', given)],
])('%s', (_, start) => {
  let idp: TestIssuer
  let deployed: Deployed
  beforeAll(async () => {
    idp = await createIssuer()
    deployed = await start({ ...variables(idp), ...DEVELOPMENT })
  })
  afterAll(() => deployed.stop())

  test.each([
    ['POST', '/token/patient-007'],
    ['POST', '/token/analyst'],
    ['GET', '/clinic.json'],
    ['GET', '/page/main.js'],
    ['GET', '/'],
    ['GET', '/favicon.ico'],
  ])('refuses %s %s, and records it', async (method, path) => {
    const before = (await denials({ url: deployed.url } as RunningGate, idp)).length
    const headers = { Origin: deployed.url, 'Sec-Fetch-Site': 'same-origin' }
    const response = await fetch(deployed.url + path, { method, headers, redirect: 'manual' })
    expect([response.status, Object.keys((await response.json()) as object)]).toEqual([
      400,
      ['title', 'status', 'instance'],
    ])
    const recorded = (await denials({ url: deployed.url } as RunningGate, idp)).slice(before)
    expect(recorded.map(({ reason }) => reason)).toEqual(['path_invalid'])
  })

  test('lets no page of this machine read its answers', async () => {
    const headers = { Origin: 'http://localhost:5173' }
    const { headers: answered } = await fetch(`${deployed.url}/recordings/rec-1`, { headers })
    expect(answered.get('access-control-allow-origin')).toBeNull()
  })
})
