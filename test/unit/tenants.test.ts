import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createGate, type Gate } from '../../src/gate.ts'
import type { Issuer, LedgerEvent } from '../../src/index.ts'
import { canonical } from '../../src/ledger/canonical.ts'
import type { LedgerEntry, LedgerQuery } from '../../src/ledger/ledger.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createSqliteLedger, type SqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { createIssuer, PSEUDONYM_KEY, type TestIssuer } from '../support/gate-client.ts'

// Two issuers, tenants, and who of them stores, asks and reads the log.

const [one, two, central] = await Promise.all([
  createIssuer('https://one.test/'),
  createIssuer('https://two.test/'),
  createIssuer('https://central.test/'),
])
let store: ReturnType<typeof createMemoryStore>
let ledger: ReturnType<typeof createMemoryLedger>
let gate: Gate

function open(issuers: readonly Issuer[], own = ledger): void {
  gate = createGate({
    issuers,
    store,
    ledger: own,
    control: createMemoryControl(),
    pseudonymKey: PSEUDONYM_KEY,
    tickets: { keys: ['a ticket key of the tests, long enough to be one'] },
    publicUrl: 'https://gate.test',
  })
}
beforeEach(() => {
  store = createMemoryStore()
  ledger = createMemoryLedger()
})

interface Caller {
  readonly by: TestIssuer
  readonly sub?: string
  readonly roles?: readonly string[]
  readonly org?: string
}
async function send(
  { by, sub = 'someone', ...claims }: Caller,
  method: string,
  path: string,
  init: RequestInit = {},
) {
  const headers = { ...init.headers, ...(await by.bearer(sub, claims)) }
  const request = new Request(`https://gate.test${path}`, { ...init, method, headers })
  return gate.fetch(request, () => {})
}
const put = (caller: Caller, recording: string, owner: string, issuer = caller.by.issuer) =>
  send({ sub: 'recorder', roles: ['recorder'], ...caller }, 'PUT', `/recordings/${recording}`, {
    body: 'x',
    headers: { 'content-length': '1', 'mediaward-owner': owner, 'mediaward-owner-issuer': issuer },
  })
const ask = (caller: Caller, owner: string, issuer: string, ...recordings: string[]) =>
  send({ sub: 'app', roles: ['app'], ...caller }, 'POST', '/access/v1/evaluations', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      subject: { type: 'user', id: owner, properties: { issuer } },
      action: { name: 'play' },
      evaluations: recordings.map(id => ({ resource: { type: 'recording', id } })),
    }),
  })
async function read(caller: Caller, query = ''): Promise<LedgerEvent[] | number> {
  const response = await send(
    { sub: 'analyst', roles: ['security'], ...caller },
    'GET',
    `/console/api/records${query}`,
  )
  if (response.status !== 200) return response.status
  const lines = (await response.text()).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as LedgerEvent).filter(isNoLook)
}
async function stored(): Promise<LedgerEvent[]> {
  const { entries } = await ledger.read({ limit: 1000 })
  return entries.map(({ json }) => JSON.parse(json) as LedgerEvent).filter(isNoLook)
}
/** Each look at the log is a record, too, and heartbeats are the gate's own. */
const isNoLook = ({ kind }: LedgerEvent) => kind !== 'console' && kind !== 'heartbeat'

describe('roles of an issuer', () => {
  test('the only issuer may use all roles, or those that its entry allows', async () => {
    open([one.entry()])
    expect((await put({ by: one }, 'rec-1', 'patient-1')).status).toBe(201)
    expect((await ask({ by: one }, 'patient-1', one.issuer, 'rec-1')).status).toBe(200)
    expect(await read({ by: one })).toMatchObject([{ kind: 'binding' }, { kind: 'listed' }])
    open([one.entry({ allowed_roles: ['app'] })])
    expect((await put({ by: one }, 'rec-2', 'patient-1')).status).toBe(404)
    expect((await ask({ by: one }, 'patient-1', one.issuer, 'rec-1')).status).toBe(200)
    expect(await read({ by: one })).toBe(404)
    expect((await stored()).at(-1)).toMatchObject({ reason: 'role_missing', roles: [] })
  })

  test('one of several issuers may use no role unless its entry allows it: it stores, asks and reads nothing', async () => {
    open([one.entry({ allowed_roles: ['recorder', 'security', 'app'] }), two.entry()])
    expect((await put({ by: one }, 'rec-1', 'patient-1')).status).toBe(201)
    expect((await put({ by: two }, 'rec-2', 'patient-1', one.issuer)).status).toBe(404)
    expect((await put({ by: two }, 'rec-2', 'patient-9')).status).toBe(404)
    expect((await ask({ by: two }, 'patient-1', one.issuer, 'rec-1')).status).toBe(404)
    expect(await read({ by: two })).toBe(404)
    const refused = (await stored()).filter(event => event.kind === 'access')
    expect(refused.map(({ reason }) => reason)).toEqual(Array(4).fill('role_missing'))
    // Its people are its people still, and other roles are for the record.
    expect(
      (await send({ by: two, sub: 'patient-1', roles: ['patient'] }, 'GET', '/recordings/rec-1')).status,
    ).toBe(404)
    expect((await stored()).at(-1)).toMatchObject({ reason: 'not_owner', roles: ['patient'] })
    expect(await read({ by: one })).toHaveLength(1 + 5)
  })
})

describe('tenants', () => {
  const all = ['recorder', 'security', 'app'] as const
  const north = { by: one, org: 'north' }
  const south = { by: one, org: 'south' }
  const tenants = [one.entry({ tenant_claim: 'org', allowed_roles: all })]

  async function fill(): Promise<void> {
    open(tenants)
    for (const [caller, recording] of [
      [north, 'rec-n'],
      [south, 'rec-s'],
    ] as const) {
      expect((await put(caller, recording, 'patient-1')).status).toBe(201)
    }
    await (await send({ ...north, sub: 'patient-1' }, 'GET', '/recordings/rec-n')).arrayBuffer()
    await send({ ...north, sub: 'patient-2' }, 'GET', '/recordings/rec-n')
    await send({ ...south, sub: 'patient-1' }, 'GET', '/recordings/rec-n')
    await send({ ...south, sub: 'patient-2' }, 'GET', '/recordings/rec-s')
    await put(south, 'rec-n', 'patient-1')
    await send({ ...south, sub: 'patient-1' }, 'POST', '/recordings/rec-s/ticket')
    await ask(north, 'patient-1', one.issuer, 'rec-n', 'rec-s', 'rec-none')
    await gate.fetch(new Request('https://gate.test/recordings/rec-s'), () => {})
    await gate.flush()
  }

  test('a record names the tenant of its caller and the tenant of its recording', async () => {
    await fill()
    const named = (await stored()).map(({ kind, tenant, recording_tenant }) => [
      kind,
      tenant,
      recording_tenant,
    ])
    expect(named).toEqual(
      expect.arrayContaining([
        ['view', 'north', 'north'],
        ['delivery', 'north', 'north'],
        ['access', 'north', 'north'],
        ['access', 'south', 'north'],
        ['access', 'south', 'south'],
        ['ticket', 'south', 'south'],
        ['listed', 'north', undefined],
        ['access', 'default', undefined],
      ]),
    )
    const [listed] = (await stored()).filter(event => event.kind === 'listed')
    expect(listed?.answers.map(answer => answer.recording_tenant)).toEqual(['north', 'south', undefined])
  })

  test('an analyst sees exactly the records of callers and recordings of their tenant, and no foreign owner', async () => {
    await fill()
    const every = await stored()
    for (const [caller, tenant] of [
      [north, 'north'],
      [south, 'south'],
    ] as const) {
      const seen = await read(caller)
      if (typeof seen === 'number') throw new Error(`answered ${seen}`)
      const theirs = every.filter(event => {
        const lists =
          event.kind === 'listed' && event.answers.some(answer => answer.recording_tenant === tenant)
        return event.tenant === tenant || event.recording_tenant === tenant || lists
      })
      expect(seen.map(({ id }) => id)).toEqual(theirs.map(({ id }) => id))
      expect(theirs.length).toBeLessThan(every.length)
      for (const event of seen) {
        const whole = every.find(({ id }) => id === event.id)
        expect(event.owner).toBe(event.recording_tenant === tenant ? whole?.owner : undefined)
        if (event.kind !== 'listed') continue
        for (const { owner, recording_tenant } of event.answers)
          expect(owner !== undefined).toBe(recording_tenant === tenant)
      }
      const listed = seen.find(event => event.kind === 'listed')
      const recordings = listed?.kind === 'listed' ? listed.answers.map(({ recording }) => recording) : []
      expect(recordings).toEqual(tenant === 'north' ? ['rec-n', 'rec-s', 'rec-none'] : ['rec-s'])
      expect(await read(caller, '?limit=2')).toEqual(seen.slice(0, 2))
      expect(await read(caller, '?order=newest')).toEqual(seen.toReversed())
    }
    // It was there to be seen.
    expect(
      every.some(
        ({ owner, tenant, recording_tenant }) => owner && tenant === 'south' && recording_tenant === 'north',
      ),
    ).toBe(true)
  })

  test('a ledger that cannot filter by tenant shows an analyst no more than one that can', async () => {
    await fill()
    const seen = await read(south)
    open(tenants, { ...ledger, read: ({ tenant: _, ...query }: LedgerQuery) => ledger.read(query) })
    expect(await read(south)).toEqual(seen)
  })

  describe('deliveries that have no index yet', () => {
    // The one in memory holds none.
    let holding: SqliteLedger
    beforeEach(() => {
      holding = createSqliteLedger(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite'))
    })
    afterEach(() => holding.close())
    const SOUTHERN = `psn_${'5'.repeat(32)}`

    /** Has a patient of each tenant play, and one of the north a recording of the south, as an earlier version let them. */
    async function play(): Promise<void> {
      open(tenants, holding)
      for (const [caller, recording] of [
        [north, 'rec-n'],
        [south, 'rec-s'],
      ] as const) {
        expect((await put(caller, recording, 'patient-1')).status).toBe(201)
        await (await send({ ...caller, sub: 'patient-1' }, 'GET', `/recordings/${recording}`)).arrayBuffer()
      }
      await gate.flush()
      const between = { tenant: 'north', recording_tenant: 'south', recording: 'rec-b', owner: SOUTHERN }
      const bytes = { answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[0, 9]] }] }
      const [t, sum] = ['2026-11-01T00:00:00.000Z', { gate: { isolate: 'a', seq: 1 }, view: 'v' }]
      const json = canonical({ id: '1', t, recorded: t, kind: 'delivery', ...sum, ...between, ...bytes })
      await holding.append([{ id: '1', json }])
    }
    const recordingsIn = (seen: LedgerEvent[] | number) =>
      typeof seen === 'number' ? seen : seen.map(({ recording }) => recording).sort()

    test('are shown to an analyst of their tenant alone, and no foreign owner', async () => {
      await play()
      const seen = await read(north, '?held=true')
      expect(recordingsIn(seen)).toEqual(['rec-b', 'rec-n'])
      expect(JSON.stringify(seen)).not.toContain(SOUTHERN)
      expect(recordingsIn(await read(south, '?held=true'))).toEqual(['rec-b', 'rec-s'])
      expect(JSON.stringify(await read(south, '?held=true'))).toContain(SOUTHERN)
      // Whether something is found must not say who owns it.
      expect(await read(north, `?held=true&owner=${SOUTHERN}`)).toEqual([])
      expect(recordingsIn(await read(south, `?held=true&owner=${SOUTHERN}`))).toEqual(['rec-b'])
      expect(await read(north, '?held=true&tenant=south')).toBe(400)
      open([...tenants, central.entry({ allowed_roles: all, allow_all_tenants: true })], holding)
      expect(recordingsIn(await read({ by: central }, '?held=true'))).toEqual(['rec-b', 'rec-n', 'rec-s'])
      expect(recordingsIn(await read({ by: central }, '?held=true&tenant=south'))).toEqual(['rec-b', 'rec-s'])
    })

    test('are shown by a ledger that cannot filter by tenant no more than by one that can', async () => {
      await play()
      const seen = await read(south, '?held=true')
      expect(recordingsIn(seen)).toEqual(['rec-b', 'rec-s'])
      open(tenants, { ...holding, held: ({ tenant: _, ...query }) => holding.held(query) })
      expect(await read(south, '?held=true')).toEqual(seen)
    })
  })

  test('old records without the tenant of the recording show their owner only to an analyst of all tenants', async () => {
    const old = (id: string, tenant: string): LedgerEntry => ({
      id,
      json: canonical({
        id,
        t: '2026-11-01T00:00:00.000Z',
        kind: 'access',
        tenant,
        reason: 'not_owner',
        owner: 'psn_x',
      }),
    })
    for (const one of [old('1', 'north'), old('2', 'south'), old('3', 'default')]) await ledger.append([one])
    const answers = [{ recording: 'r', decision: 'deny', owner: 'psn_x' }]
    const json = canonical({
      id: '4',
      t: '2026-11-01T00:00:00.000Z',
      kind: 'listed',
      tenant: 'north',
      answers,
    })
    await ledger.append([{ id: '4', json }])
    open([...tenants, central.entry({ allowed_roles: all, allow_all_tenants: true })])
    const seen = await read(north)
    expect(seen).toMatchObject([{ id: '1' }, { id: '4' }])
    expect(JSON.stringify(seen)).not.toContain('psn_x')
    expect(await read({ by: central })).toMatchObject([
      { id: '1', owner: 'psn_x' },
      { id: '2', owner: 'psn_x' },
      { id: '3', owner: 'psn_x' },
      { id: '4', answers },
    ])
  })

  test('a token without a tenant reads no records unless the entry of its issuer allows all tenants', async () => {
    await fill()
    open([...tenants, central.entry({ allowed_roles: all })])
    expect(await read({ by: central })).toBe(404)
    expect((await stored()).at(-1)).toMatchObject({ reason: 'tenant_mismatch', issuer: central.issuer })
    open([...tenants, central.entry({ allowed_roles: all, allow_all_tenants: true })])
    const every = await stored()
    expect(await read({ by: central })).toEqual(every)
    // The leave is to read, with a role: it opens nothing else.
    expect(await read({ by: central, roles: [] })).toBe(404)
    expect((await send({ by: central, sub: 'patient-1' }, 'GET', '/recordings/rec-n')).status).toBe(404)
    expect((await put({ by: central }, 'rec-n', 'patient-1', one.issuer)).status).toBe(409)
  })

  test.each(['default', 'unnamed'])(
    'a tenant called %s sees no records of callers without a tenant',
    async org => {
      await fill()
      expect(await read({ by: one, org })).toBe(404)
    },
  )

  test('an app and a recorder act only within their own tenant, even for patients of another issuer', async () => {
    await fill()
    open([...tenants, two.entry({ tenant_claim: 'org', allowed_roles: all })])
    const decisions = async (response: Response) =>
      ((await response.json()) as { evaluations: { decision: boolean }[] }).evaluations.map(
        ({ decision }) => decision,
      )
    const partner = { by: two, org: 'south' }
    expect(await decisions(await ask(partner, 'patient-1', one.issuer, 'rec-n', 'rec-s'))).toEqual([
      false,
      true,
    ])
    expect((await put(partner, 'rec-n', 'patient-1', one.issuer)).status).toBe(409)
    expect((await put(partner, 'rec-new', 'patient-1', one.issuer)).status).toBe(201)
    expect((await send({ ...north, sub: 'patient-1' }, 'GET', '/recordings/rec-new')).status).toBe(404)
    expect((await send({ ...south, sub: 'patient-1' }, 'GET', '/recordings/rec-new')).status).toBe(200)
  })
})
