import { describe, expect, test, vi } from 'vitest'
import { followLedger } from '../../../src/follow/followed-log.ts'
import { Follower } from '../../../src/follow/follower.ts'
import { createMemoryStates, type FollowerStates } from '../../../src/follow/states.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { createReceiver, deploymentAt } from '../../../src/sinks/receiver.ts'
import type { SinkEntry } from '../../../src/sinks/sink.ts'
import { ENTRIES } from '../../support/log-entries.ts'
import {
  DatadogFake,
  ElasticFake,
  FhirFake,
  OtlpFake,
  SplunkFake,
  TOKEN,
  WEBHOOK_SECRETS,
  WebhookFake,
} from '../../support/sink-fakes.ts'

const said = vi.spyOn(console, 'error').mockImplementation(() => {})

type Fake = DatadogFake | ElasticFake | FhirFake | OtlpFake | SplunkFake | WebhookFake

const TYPES = [
  ['splunk', () => new SplunkFake()],
  ['elastic', () => new ElasticFake()],
  ['datadog', () => new DatadogFake()],
  ['otlp', () => new OtlpFake()],
  ['fhir', () => new FhirFake()],
  ['webhook', () => new WebhookFake()],
] as const satisfies readonly (readonly [SinkEntry['type'], () => Fake])[]
type Type = (typeof TYPES)[number][0]

/** Records of every kind, with ids of their own. */
const records = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const id = `id-${`${i}`.padStart(6, '0')}`
    return { id, json: JSON.stringify({ ...ENTRIES[i % ENTRIES.length]?.event, id }) }
  })

async function setUp(type: Type, fake: Fake, more: Partial<SinkEntry> = {}) {
  const ledger = createMemoryLedger()
  const states = createMemoryStates()
  const clock = { now: Date.now() }
  const secret = type === 'webhook' ? WEBHOOK_SECRETS : TOKEN
  const entry: SinkEntry = { type, url: fake.url, secret, ...more }
  const receiver = createReceiver(entry, {
    deployment: deploymentAt('https://media.clinic.example', 'Node'),
    fetchFor: () => fake.fetch,
    now: () => clock.now,
    targets: {},
  })
  const start = (stored: FollowerStates = states) =>
    new Follower(
      receiver,
      { log: followLedger(ledger), states: stored, now: () => clock.now, random: () => 0.5 },
      async () => 0,
    )
  const settle = async (follower: Follower) => {
    for (let i = 0; i < 20_000; i++) {
      const next = await follower.step()
      if (next === undefined) return
      clock.now = Math.max(clock.now, next)
    }
    throw new Error('the sink is not up to date')
  }
  return { ledger, states, clock, start, settle }
}

const failures = async (states: FollowerStates, name: string) => (await states.load(name))?.lastError?.message

describe.each(TYPES)('a sink of the type %s', (type, create) => {
  test('sends records of every kind by the rules of the target, each once and in order', async () => {
    const fake: Fake = create()
    const { ledger, start, settle } = await setUp(type, fake)
    const all = records(700)
    await ledger.append(all)
    await settle(start())
    expect(fake.violations).toEqual([])
    expect(fake.ids).toEqual(all.map(({ id }) => id))
  })

  test('goes on after an outage with all records, in order, and without a dead letter', async () => {
    const fake: Fake = create()
    const { ledger, states, start, settle } = await setUp(type, fake)
    const all = records(type === 'splunk' ? 10_000 : 400)
    await ledger.append(all)
    let calls = 0
    const answers = [503, 429, 500, 502, 408, 504, 0]
    fake.intercept = () => {
      const status = answers[calls++]
      if (status === 0) throw new TypeError('fetch failed')
      return status === undefined ? undefined : new Response('busy', { status })
    }
    await settle(start())
    expect(calls).toBeGreaterThan(answers.length)
    expect(fake.ids).toEqual(all.map(({ id }) => id))
    expect(await states.countDeadLetters(type)).toBe(0)
    expect(fake.violations).toEqual([])
  })

  test('sends nothing before the time of a Retry-After, in seconds or as a date', async () => {
    const fake: Fake = create()
    const { ledger, clock, start } = await setUp(type, fake)
    await ledger.append(records(1))
    const begun = clock.now
    clock.now += 1_000
    const later = new Date(Math.ceil(clock.now / 1000) * 1000 + 90_000).toUTCString()
    for (const header of ['90', later]) {
      fake.intercept = () => new Response(null, { status: 503, headers: { 'Retry-After': header } })
      const follower = start(createMemoryStates())
      let next = (await follower.step()) ?? 0
      clock.now = Math.max(clock.now, next)
      if (fake.calls === 0 || header === later) next = (await follower.step()) ?? 0
      expect(next - begun).toBeGreaterThan(89_000)
    }
  })

  test('stops and says so if the secret or the address is wrong, and makes no dead letter', async () => {
    for (const [status, words] of [
      [401, 'check the secret'],
      [403, 'check the secret'],
      [404, 'check "url"'],
      [410, 'check "url"'],
      [301, 'redirects are not followed'],
      [307, 'redirects are not followed'],
    ] as const) {
      const fake: Fake = create()
      const { ledger, states, clock, start } = await setUp(type, fake)
      await ledger.append(records(30))
      const headers = { Location: 'https://elsewhere.example/?token=secret' }
      fake.intercept = () => new Response(null, { status, headers })
      const follower = start()
      for (let i = 0; i < 12; i++) clock.now = Math.max(clock.now, (await follower.step()) ?? 0)
      expect(await failures(states, type)).toContain(words)
      expect(await failures(states, type)).not.toContain('elsewhere')
      expect(await states.countDeadLetters(type)).toBe(0)
      expect(fake.calls).toBeLessThanOrEqual(12)
    }
  })

  test('gives up a record that the target refuses after three tries, and delivers the others', async () => {
    const fake: Fake = create()
    const { ledger, states, start, settle } = await setUp(type, fake)
    const all = records(60)
    await ledger.append(all)
    const bad = [all[3]?.id, all[40]?.id]
    fake.fault = id => (bad.includes(id) ? 400 : undefined)
    await settle(start())
    const letters = await states.deadLetters(type, 10)
    expect(letters.map(({ id }) => id)).toEqual(bad)
    expect(letters[0]?.reason).toMatch(/status 400/)
    expect(new Set(fake.ids)).toEqual(new Set(all.map(({ id }) => id).filter(id => !bad.includes(id))))
  })

  test('writes its secret into no state and no error', async () => {
    const fake: Fake = create()
    const { ledger, states, clock, start } = await setUp(type, fake)
    await ledger.append(records(3))
    fake.intercept = () => {
      throw new Error(`can't connect with ${TOKEN} ${WEBHOOK_SECRETS.join(' ')}`, {
        cause: { code: 'ECONNREFUSED' },
      })
    }
    const follower = start()
    for (let i = 0; i < 4; i++) clock.now = Math.max(clock.now, (await follower.step()) ?? 0)
    const written = JSON.stringify([await states.load(type), said.mock.calls])
    expect(written).not.toContain(TOKEN)
    expect(written).not.toContain('whsec_')
  })
})

test('Elastic stores each record once, although a crash makes the gate send a batch again', async () => {
  const fake = new ElasticFake()
  const { ledger, states, start, settle } = await setUp('elastic', fake)
  const all = records(1_200)
  await ledger.append(all)
  let kills = 3
  const fragile: FollowerStates = {
    ...states,
    save: async (name, state, dead) => {
      if (state.index > 0 && kills-- > 0) throw new Error('the process was killed')
      return states.save(name, state, dead)
    },
  }
  for (let i = 0; i < 3; i++) await settle(start(fragile)).catch(() => {})
  await settle(start())
  expect(fake.ids).toEqual(all.map(({ id }) => id))
  expect(fake.calls).toBeGreaterThan(3)
})

test.each([
  ['elastic', () => new ElasticFake()],
  ['fhir', () => new FhirFake()],
] as const)(
  '%s is sent only those records of a batch again that it had no room for',
  async (type, create) => {
    const fake = create()
    const { ledger, start, settle } = await setUp(type, fake)
    const all = records(40)
    await ledger.append(all)
    const tries = new Map<string, number>()
    fake.fault = id => {
      tries.set(id, (tries.get(id) ?? 0) + 1)
      return Number(id.slice(-1)) === 7 && tries.get(id) === 1 ? 429 : undefined
    }
    await settle(start())
    expect(new Set(fake.ids).size).toBe(40)
    expect([...tries.values()].reduce((sum, count) => sum + count)).toBe(44)
  },
)

test('records that OTLP rejects in a partial success are not sent again, and the batch is a dead letter', async () => {
  const fake = new OtlpFake()
  const { ledger, states, start, settle } = await setUp('otlp', fake)
  await ledger.append(records(20))
  fake.rejected = 3
  await settle(start())
  expect(fake.calls).toBe(1)
  expect(await states.deadLetters('otlp', 5)).toMatchObject([
    { index: 0, reason: '3 of the 20 records from this one on were rejected, without saying which' },
  ])
})

test('a sink of one tenant is sent the records of that tenant alone, as its analysts see them', async () => {
  const fake = new SplunkFake()
  const bodies: string[] = []
  const { fetch } = fake
  Object.assign(fake, {
    fetch: ((url, request) => {
      bodies.push(request.body)
      return fetch(url, request)
    }) satisfies typeof fetch,
  })
  const { ledger, start, settle } = await setUp('splunk', fake, { tenant: 'clinic-north' })
  const base = { kind: 'access', decision: 'deny', reason: 'not_owner', t: '2026-11-23T00:00:00.000Z' }
  const gate = { version: '0.7.0', isolate: 'a', seq: 1 }
  const of = (id: string, more: object) => ({ id, json: JSON.stringify({ id, ...base, gate, ...more }) })
  await ledger.append([
    of('a', { tenant: 'clinic-north', recording_tenant: 'clinic-south', owner: 'psn_foreign' }),
    of('b', { tenant: 'clinic-south', recording_tenant: 'clinic-south' }),
    of('c', { tenant: 'clinic-south', recording_tenant: 'clinic-north', owner: 'psn_own' }),
    of('d', { tenant: 'default' }),
  ])
  await settle(start())
  expect(fake.ids).toEqual(['a', 'c'])
  expect(bodies.join('')).not.toContain('psn_foreign')
  expect(bodies.join('')).toContain('psn_own')
})

test('a sink of some kinds is sent these alone', async () => {
  const fake = new SplunkFake()
  const { ledger, start, settle } = await setUp('splunk', fake, { kinds: ['view', 'ticket'] })
  const all = records(ENTRIES.length)
  await ledger.append(all)
  await settle(start())
  const wanted = all.filter(({ json }) => /"kind":"(?:view|ticket)"/.test(json))
  expect(wanted.length).toBeGreaterThan(4)
  expect(fake.ids).toEqual(wanted.map(({ id }) => id))
})
