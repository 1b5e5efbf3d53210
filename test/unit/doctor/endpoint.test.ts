import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DoctorAnswer } from '../../../src/doctor/endpoint.ts'
import { failed } from '../../../src/doctor/finding.ts'
import { type MediawardOptions, StorageFault, withSpool } from '../../../src/index.ts'
import type { LedgerEvent } from '../../../src/ledger/event.ts'
import { PROBE_KEY } from '../../../src/recordings/recording.ts'
import {
  createMemoryLedger,
  createMemorySpool,
  createMemoryStore,
} from '../../../src/runtime/memory/index.ts'
import type { SinkControl, SinkStatus } from '../../../src/sinks/control.ts'
import type { FindingControl } from '../../../src/watch/finding-control.ts'
import { createIssuer } from '../../support/issuer.ts'
import { type Asking, type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { storeWith } from '../../support/store-with.ts'

// POST /console/api/doctor, as far as it is the same on every runtime.

const SECURITY = { roles: ['security'] }
const PSEUDONYM_KEY = 'Zt1oPp0mW2y7Jq0uVb3kqkq5o1T8rYw9sX4cL6nDhGA='
const TICKET_KEY = 'm3Xq7Rk1vB9sT5wZ0yLcPq8dNfGhJ2aEoUiKtYrWxSQ='

// Providers publish nothing here.
beforeEach(() => void vi.stubGlobal('fetch', async () => new Response(null, { status: 404 })))
afterEach(() => void vi.unstubAllGlobals())

/** Each examination here begins long enough after the one before. */
let later = 0
const pass = (seconds: number) => {
  later += seconds * 1000
}

const PAGER: SinkStatus = {
  ...{ name: 'alert:pagerduty', type: 'pagerduty', index: 0, behind: 0, behind_s: 0, lastSuccess: 1 },
  ...{ deadLetters: 0, dead: [] },
}

/** A gate that lacks nothing. */
async function healthyGate(options: Partial<MediawardOptions> = {}): Promise<MemoryGate> {
  return memoryGate(
    {
      pseudonymKey: PSEUDONYM_KEY,
      publicUrl: 'https://media.clinic-seven.org',
      tickets: { keys: [TICKET_KEY] },
      network: () => ({ ip: '203.0.113.9' }),
      now: () => Date.now() + later,
      ledger: withSpool(createMemoryLedger(), createMemorySpool()),
      sinkControl: { list: async () => [PAGER] } as unknown as SinkControl,
      findingControl: {} as FindingControl,
      ...options,
    },
    await createIssuer('https://login.clinic-seven.org/'),
  )
}

const call = (gate: MemoryGate, claims: Asking['claims'] = SECURITY, body = '{}') =>
  gate.ask('analyst-1', '/console/api/doctor', {
    method: 'POST',
    claims,
    headers: { 'content-type': 'application/json' },
    body,
  })
const examine = async (gate: MemoryGate, claims?: Asking['claims'], body?: string): Promise<DoctorAnswer> => {
  pass(15)
  const response = await call(gate, claims, body)
  expect(response.status).toBe(200)
  return (await response.json()) as DoctorAnswer
}
const notOk = ({ findings }: DoctorAnswer) =>
  findings.flatMap(({ check, state }) => (state === 'ok' ? [] : `${check} ${state}`))

describe('who may ask', () => {
  test('a caller with the role security gets findings, and they are on record first', async () => {
    const gate = await healthyGate()
    const answer = await examine(gate)
    expect(notOk(answer)).toEqual(['clock not_checked'])
    expect(answer).toMatchObject({
      whole: true,
      public_url: 'https://media.clinic-seven.org',
      path: '/recordings/doctor',
    })
    expect(Math.abs(Date.parse(answer.time) - Date.now())).toBeLessThan(60_000)
    const [record, ...others] = await gate.events('console')
    expect(others).toEqual([])
    expect(record).toMatchObject({
      id: answer.event,
      decision: 'permit',
      action: 'doctor',
      subject: expect.stringMatching(/^psn_/),
      roles: ['security'],
      findings: { ok: answer.findings.length - 3, warning: 0, failed: 0, not_checked: 1 },
    })
  })

  test.each([[{ roles: ['recorder'] }], [{ roles: ['app'] }], [{}]])(
    'a caller with %j is refused, and learns nothing',
    async claims => {
      const gate = await healthyGate()
      const response = await call(gate, claims)
      expect(response.status).toBe(404)
      expect(await gate.events('console')).toEqual([])
      expect(await gate.events('access')).toMatchObject([{ reason: 'role_missing' }])
    },
  )

  test('a caller without a token is refused', async () => {
    const gate = await healthyGate()
    expect((await gate.fetch('/console/api/doctor', { method: 'POST' })).status).toBe(401)
  })

  test.each(['GET', 'PUT', 'DELETE'])('%s is refused', async method => {
    const gate = await healthyGate()
    const response = await gate.ask('analyst-1', '/console/api/doctor', { method, claims: SECURITY })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST, OPTIONS')
  })

  test.each([
    '',
    '[]',
    'null',
    '{"keep":true}',
    '{"keep_object":1}',
    `{"keep_object":${' '.repeat(2000)}true}`,
  ])('the body %j is refused, and nothing is examined', async body => {
    const store = createMemoryStore()
    const gate = await healthyGate({ store })
    const response = await call(gate, SECURITY, body)
    expect(response.status).toBe(400)
    expect(await gate.events('console')).toEqual([])
  })
})

describe('what is left behind', () => {
  test('the object is removed, or stays if the caller asks for that until the next examination', async () => {
    const store = createMemoryStore()
    const gate = await healthyGate({ store })
    await examine(gate)
    expect(await store.find(PROBE_KEY)).toBeNull()
    const kept = await examine(gate, SECURITY, '{"keep_object":true}')
    expect(kept.object).toBe(PROBE_KEY)
    expect(await store.find(PROBE_KEY)).not.toBeNull()
    expect(await examine(gate)).not.toHaveProperty('object')
    expect(await store.find(PROBE_KEY)).toBeNull()
  })

  test('no request leads to the object', async () => {
    const gate = await healthyGate()
    await examine(gate, SECURITY, '{"keep_object":true}')
    for (const path of [
      '/recordings/.mediaward/doctor',
      '/recordings/..%2f.mediaward/doctor',
      '/.mediaward/doctor',
    ]) {
      expect((await gate.ask('patient-1', path)).status).toBe(400)
    }
  })
})

describe('how often a gate is examined', () => {
  /** A gate whose examinations end when they are let go, and how many began. */
  const slowGate = async () => {
    let begun = 0
    const released = Promise.withResolvers<void>()
    const inspect = async () => {
      begun += 1
      await released.promise
      return []
    }
    return { gate: await healthyGate({ inspect }), begun: () => begun, release: released.resolve }
  }

  test('of forty calls at once one is examined, and the others are refused and on record', async () => {
    const { gate, begun, release } = await slowGate()
    const calls = Array.from({ length: 40 }, () => call(gate))
    const [refused] = await Promise.all([Promise.race(calls), new Promise(done => setTimeout(done, 300))])
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await refused.json()).toMatchObject({
      detail: 'The gate is being examined by another call: try again in a few seconds',
    })
    release()
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    expect(statuses.filter(status => status === 200)).toHaveLength(1)
    expect(statuses.filter(status => status === 503)).toHaveLength(39)
    expect(begun()).toBe(1)
    await gate.flush()
    const [record] = await gate.events('access')
    expect(record).toMatchObject({ reason: 'doctor_busy', subject: expect.stringMatching(/^psn_/) })
  })

  test('the next one begins 2 s after the one before, even if that was over at once', async () => {
    const gate = await healthyGate()
    await examine(gate)
    pass(1)
    expect((await call(gate)).status).toBe(503)
    pass(1)
    expect((await call(gate)).status).toBe(200)
  })

  test('one that is under way keeps others out, but not for ever', async () => {
    const { gate, begun, release } = await slowGate()
    const first = call(gate)
    await vi.waitUntil(() => begun() === 1)
    pass(60)
    expect((await call(gate)).status).toBe(503)
    pass(60)
    const second = call(gate)
    await vi.waitUntil(() => begun() === 2)
    release()
    expect([(await first).status, (await second).status]).toEqual([200, 200])
  })

  test('a call that is refused keeps no other call out', async () => {
    const gate = await healthyGate()
    expect((await call(gate, {})).status).toBe(404)
    expect((await call(gate, SECURITY, '[]')).status).toBe(400)
    expect((await call(gate)).status).toBe(200)
  })
})

describe('what a tenant learns', () => {
  const tenants = async () => {
    const south = await createIssuer('https://login.south.org/', 'recordings', 'south')
    const gate = await healthyGate({
      issuers: [
        { ...(await createIssuer()).entry(), issuer: 'https://login.clinic-seven.org/' },
        south.entry({ tenant_claim: 'tenant', allow_actor: true, allowed_roles: ['security'] }),
      ],
      allowedOrigins: ['https://app.south.org'],
    })
    return { gate, south }
  }
  test('an analyst of a tenant gets what is shared and what is of its own entry', async () => {
    const { gate, south } = await tenants()
    const response = await gate.fetch('/console/api/doctor', {
      method: 'POST',
      headers: {
        ...(await south.bearer('analyst-2', { ...SECURITY, tenant: 'south' })),
        'content-type': 'application/json',
      },
      body: '{}',
    })
    const answer = (await response.json()) as DoctorAnswer
    expect(answer.whole).toBe(false)
    expect(JSON.stringify(answer)).not.toContain('clinic-seven.org/')
    expect(new Set(answer.findings.flatMap(({ entry }) => entry ?? []))).toEqual(
      new Set(['https://login.south.org/']),
    )
    expect(answer.findings.map(({ check }) => check)).toEqual([
      'public_url',
      'views',
      'allowances',
      'keys',
      'clock',
      'recordings',
      'ledger',
      'control',
      'record',
    ])
    expect(await gate.events('console')).toMatchObject([{ tenant: 'south' }])
  })

  test('an analyst learns nothing of the issuers of other tenants that share its entry, nor of how many findings there are', async () => {
    const headers = { date: new Date().toUTCString() }
    const ours = await createIssuer('https://login.shared.org/tenant-a/')
    const [first, own] = ['tenant-b', 'tenant-a'] as const
    const { jwks: _, ...entry } = ours.entry({ tenant_claim: 'tid', name: 'shared' })
    const gate = await healthyGate({
      issuers: [
        {
          ...entry,
          issuer: 'https://login.shared.org/{tenantid}/',
          jwks_uri: 'https://keys-of-{tenantid}.org/keys',
          tenants: [first, own],
          allowed_roles: ['security'],
        },
      ],
    })
    vi.stubGlobal('fetch', async (url: URL | string) =>
      String(url).includes('keys-of-tenant-a')
        ? Response.json(ours.jwks, { headers })
        : new Response(null, { status: 404, headers }),
    )
    const response = await gate.fetch('/console/api/doctor', {
      method: 'POST',
      headers: {
        ...(await ours.bearer('analyst-2', { ...SECURITY, tid: own })),
        'content-type': 'application/json',
      },
      body: '{}',
    })
    expect(response.status).toBe(200)
    const answer = (await response.json()) as DoctorAnswer
    expect(JSON.stringify(answer)).not.toContain(first)
    expect(answer.findings.filter(({ check }) => check === 'keys')).toMatchObject([{ state: 'ok' }])
    expect(answer.findings.find(({ check }) => check === 'clock')?.found).toContain('that of a key server')
    const [record] = await gate.events('console')
    const counted = Object.values(record?.findings ?? {}).reduce((sum, count) => sum + count, 0)
    // The record itself was looked for after it was written.
    expect(counted).toBe(answer.findings.length - 1)
  })

  test('an analyst without a tenant is refused if there are tenants', async () => {
    const { gate } = await tenants()
    expect((await call(gate)).status).not.toBe(200)
  })
})

describe('a gate that is not well', () => {
  test('rules that only try, and no one who is alerted, are findings', async () => {
    const rules = { dryRun: ['RG-003'], respond: [] }
    const answer = await examine(await healthyGate({ rules, sinkControl: undefined as never }))
    expect(notOk(answer)).toEqual(['rules warning', 'clock not_checked', 'alerts warning'])
    expect(answer.findings.find(({ check }) => check === 'rules')?.fix).toContain('RG-003')
  })

  test('a store that fails is a finding, and the answer is 200 and on record', async () => {
    const store = createMemoryStore()
    let isDown = false
    const put: typeof store.put = (...args) =>
      isDown ? Promise.reject(new StorageFault('R2 failed (10001)')) : store.put(...args)
    const gate = await healthyGate({ store: storeWith(store, { put }) })
    isDown = true
    const answer = await examine(gate)
    expect(notOk(answer)).toEqual(['clock not_checked', 'recordings failed'])
    expect(await gate.events('console')).toMatchObject([{ findings: { failed: 1 } }])
  })

  test('a ledger that takes nothing is a finding, as long as the spool does', async () => {
    const memory = createMemoryLedger()
    const down = { ...memory, append: () => Promise.reject(new StorageFault('overloaded')) }
    const spool = createMemorySpool()
    const gate = await healthyGate({ ledger: withSpool(down, spool) })
    expect(notOk(await examine(gate))).toEqual(['clock not_checked', 'record failed', 'spool warning'])
    const kept = (await spool.waiting(10)).map(({ json }) => (JSON.parse(json) as LedgerEvent).kind)
    expect(kept).toEqual(['console', 'heartbeat'])
  })

  test('an archive that is behind is a finding, and one that fails is another', async () => {
    const archived = (archiveLag: () => Promise<number>) =>
      healthyGate({ ledger: withSpool({ ...createMemoryLedger(), archiveLag }, createMemorySpool()) })
    expect(notOk(await examine(await archived(async () => 3 * 3_600_000)))).toContain('archive warning')
    const fails = () => Promise.reject(new StorageFault('R2 failed (10001)'))
    expect(notOk(await examine(await archived(fails)))).toContain('archive failed')
  })

  test('an examination that can not be recorded is not answered', async () => {
    const down = { ...createMemoryLedger(), append: () => Promise.reject(new StorageFault('overloaded')) }
    const gate = await healthyGate({ ledger: down, onUnrecorded: () => {} })
    expect((await call(gate)).status).toBe(503)
  })

  test('a machine says what it knows, and a fault of it is no fault of the examination', async () => {
    const finding = {
      group: 'machine',
      check: 'runtime',
      ...failed('Node checks no certificates', 'check them'),
    } as const
    const answer = await examine(await healthyGate({ inspect: async () => [finding] }))
    expect(notOk(answer)).toContain('runtime failed')
    const broken = await examine(await healthyGate({ inspect: () => Promise.reject(new Error('SECRET')) }))
    expect(notOk(broken)).toContain('runtime not_checked')
    expect(JSON.stringify(broken)).not.toContain('SECRET')
  })
})

test('no secret, token or id of a person is in an answer or in its record', async () => {
  const gate = await healthyGate({ tickets: { keys: [PSEUDONYM_KEY] } })
  const said = JSON.stringify([await examine(gate), await gate.events('console')])
  expect(said).toContain('are the same')
  for (const secret of [PSEUDONYM_KEY, TICKET_KEY, 'analyst-1', 'Bearer', 'eyJ', '203.0.113.9']) {
    expect(said).not.toContain(secret)
  }
})
