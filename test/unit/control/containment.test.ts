import type { JWTPayload } from 'jose'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryControl } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// A gate in this process: what it answers once something is locked down, and to whom.

let gate: MemoryGate
let time: number
beforeEach(async () => {
  time = Date.now()
  gate = await memoryGate({ now: () => time, tickets: { keys: ['k'.repeat(32)] } })
})

const OWN = '/recordings/rec-1'
const FAR = Math.floor(Date.now() / 1000) + 86_400
const security: JWTPayload = { roles: ['security'], exp: FAR }
const post = (path: string, body: object, claims: JWTPayload = security, who = 'analyst-1') =>
  gate.ask(who, path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    claims,
  })

/** Locks something down. A second later every isolate obeys. */
async function lock(scope: string, value?: string, more: object = {}): Promise<number> {
  const call = {
    scope,
    reason: 'they see what is not theirs',
    ...(value !== undefined && { value }),
    ...more,
  }
  const response = await post('/console/api/lockdowns/add', call)
  expect(response.status, await response.clone().text()).toBe(201)
  const { epoch, recorded } = (await response.json()) as { epoch: number; recorded: boolean }
  expect(recorded).toBe(true)
  time += 1_000
  return epoch
}
async function undo(epoch: number, who = 'analyst-1', claims = security): Promise<string> {
  const response = await post('/console/api/lockdowns/undo', { epoch, reason: 'fixed' }, claims, who)
  time += 1_000
  return ((await response.json()) as { state: string }).state
}
const play = async (claims: JWTPayload = {}, who = 'patient-1', path = OWN) => {
  const response = await gate.ask(who, path, { claims })
  await response.body?.cancel()
  return response.status
}
const lastReason = async () => (await gate.events('access')).at(-1)?.reason

/** The pseudonym that the log has for who played last. */
async function pseudonymOf(field: 'subject' | 'session', claims: JWTPayload = {}): Promise<string> {
  expect(await play(claims)).toBe(200)
  return `${(await gate.events('view')).at(-1)?.[field]}`
}

describe('what is locked down', () => {
  test.each<[string, () => Promise<string | undefined>, JWTPayload, string]>([
    ['recording', async () => 'rec-1', {}, 'recording_quarantined'],
    ['subject', () => pseudonymOf('subject'), {}, 'subject_blocked'],
    ['session', () => pseudonymOf('session', { sid: 's-1' }), { sid: 's-1' }, 'session_revoked'],
    ['everything', async () => undefined, {}, 'everything_frozen'],
  ])('%s: its owner is answered 403, and 200 when it is undone', async (scope, value, claims, reason) => {
    const epoch = await lock(scope, await value())
    expect(await play(claims)).toBe(403)
    expect(await lastReason()).toBe(reason)
    expect((await gate.ask('patient-1', `${OWN}/ticket`, { method: 'POST', claims })).status).toBe(403)
    expect(await undo(epoch)).toBe('undone')
    expect(await play(claims)).toBe(200)
  })

  test('a release that the header names is frozen, and another one is not', async () => {
    await lock('release', '4.12.0')
    const asking = (release: string) =>
      gate.ask('patient-1', OWN, { headers: { 'mediaward-app-release': release } })
    expect((await asking('4.12.0')).status).toBe(403)
    expect(await lastReason()).toBe('release_frozen')
    expect((await asking('4.11.0')).status).toBe(200)
  })

  test('others see what they always saw: nothing tells them that there is a lockdown', async () => {
    const seen = async () => {
      const foreign = await gate.ask('patient-2', OWN)
      const unknown = await gate.ask('patient-2', '/recordings/rec-none')
      const anonymous = await gate.fetch(OWN)
      const answers = [foreign, unknown, anonymous]
      return Promise.all(
        answers.map(async one => [one.status, (await one.text()).replace(/[0-9a-f-]{36}/, 'ID')]),
      )
    }
    const before = await seen()
    await lock('recording', 'rec-1')
    await lock('everything')
    expect(await seen()).toEqual(before)
    expect(before.map(([status]) => status)).toEqual([404, 404, 401])
  })

  test('a list answers false for it, and its record says why', async () => {
    await lock('recording', 'rec-1')
    const subject = { type: 'user', id: 'patient-1' }
    const response = await gate.ask('patient-1', '/access/v1/evaluation', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        subject,
        action: { name: 'play' },
        resource: { type: 'recording', id: 'rec-1' },
      }),
    })
    expect(await response.json()).toEqual({ decision: false })
    const [listed] = await gate.events('listed')
    expect(listed?.answers).toMatchObject([{ decision: 'deny', reason: 'recording_quarantined' }])
  })

  test('storing stops for a recording, and for everything only if uploads are meant', async () => {
    const store = async (id: string) =>
      (
        await gate.ask('recorder-1', `/recordings/${id}`, {
          method: 'PUT',
          claims: { roles: ['recorder'] },
          headers: { 'mediaward-owner': 'patient-1', 'content-type': 'video/mp4', 'content-length': '3' },
          body: 'abc',
        })
      ).status
    await lock('recording', 'rec-2')
    expect(await store('rec-2')).toBe(403)
    const playing = await lock('everything')
    expect(await store('rec-3')).toBe(201)
    await undo(playing)
    await lock('everything', undefined, { uploads: true })
    expect(await store('rec-4')).toBe(403)
  })

  test('the console is never stopped', async () => {
    await lock('everything', undefined, { uploads: true })
    const reading = await gate.ask('analyst-1', '/console/api/denials', { claims: security })
    expect(reading.status).toBe(200)
    const list = await gate.ask('analyst-1', '/console/api/lockdowns', { claims: security })
    expect(await list.json()).toMatchObject({
      lockdowns: [{ scope: 'everything', uploads: true, reason: 'they see what is not theirs' }],
    })
  })

  test('it ends by itself at its time', async () => {
    await lock('recording', 'rec-1', { until: new Date(time + 60_000).toISOString() })
    expect(await play()).toBe(403)
    time += 60_000
    expect(await play()).toBe(200)
  })
})

describe('the record', () => {
  test('says who did what and when, and the words only as their hash', async () => {
    const epoch = await lock('recording', 'rec-1')
    await undo(epoch)
    const [added, undone] = await gate.events('lockdown')
    expect(added).toMatchObject({
      ...{ action: 'add', epoch, scope: 'recording', target: 'rec-1', recording: 'rec-1' },
      reason_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      subject: expect.stringMatching(/^psn_/),
    })
    expect(undone).toMatchObject({ action: 'undo', epoch })
    expect(JSON.stringify([added, undone])).not.toContain('theirs')
  })
})

test('why a lockdown was added can be erased, and the record of it stays', async () => {
  const epoch = await lock('recording', 'rec-1')
  expect((await post('/console/api/lockdowns/erase', { epoch })).status).toBe(200)
  const [one] = await gate.control.list()
  expect(one).toMatchObject({ epoch, scope: 'recording' })
  expect(one).not.toHaveProperty('reason')
  expect((await gate.events('lockdown')).at(-1)).toMatchObject({ action: 'erase_reason', epoch })
  expect((await post('/console/api/lockdowns/erase', { epoch: 'x' })).status).toBe(400)
})

test('why a lockdown was added and undone can be erased after its end', async () => {
  const epoch = await lock('recording', 'rec-1')
  await undo(epoch)
  expect((await post('/console/api/lockdowns/erase', { epoch })).status).toBe(200)
  expect(await gate.control.reasons(epoch)).toEqual({})
})

test('no reason is erased of a number that no lockdown has, and no record says so', async () => {
  const epoch = await lock('recording', 'rec-1')
  const response = await post('/console/api/lockdowns/erase', { epoch: 9999 })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    detail: expect.stringContaining('there is none of this number'),
  })
  expect((await gate.events('lockdown')).map(({ action }) => action)).toEqual(['add'])
  // Of one in force, erasing twice changes nothing, and is no mistake.
  for (const _ of ['first', 'second']) {
    expect((await post('/console/api/lockdowns/erase', { epoch })).status).toBe(200)
  }
})

test.each(['default', 'unnamed'])(
  'the tenant "%s" is not locked down, and the answer says what to do',
  async value => {
    const call = { scope: 'tenant', value, reason: 'a test' }
    const response = await post('/console/api/lockdowns/add', call)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('lock down everything') })
    expect(await gate.control.list()).toEqual([])
  },
)

describe('two persons', () => {
  beforeEach(async () => {
    gate = await memoryGate({ now: () => time, lockdownUndo: 'two' })
  })

  test('undo everything, and the same one twice does not', async () => {
    const epoch = await lock('everything')
    expect(await undo(epoch)).toBe('proposed')
    expect(await undo(epoch)).toBe('proposed')
    expect(await play()).toBe(403)
    expect(await undo(epoch, 'analyst-2')).toBe('undone')
    expect(await play()).toBe(200)
    const actions = (await gate.events('lockdown')).map(({ action }) => action)
    expect(actions).toEqual(['add', 'propose_undo', 'propose_undo', 'undo'])
  })

  test('a proposal is good for an hour', async () => {
    const epoch = await lock('everything')
    expect(await undo(epoch)).toBe('proposed')
    time += 3_600_000
    expect(await undo(epoch, 'analyst-2')).toBe('proposed')
  })

  test('are not one person with two entries of the configuration', async () => {
    const { idp } = gate
    const staff = idp.entry({ name: 'staff', owns: false, audience: 'staff', allowed_roles: ['security'] })
    const patients = { ...idp.entry({ name: 'patients' }), allowed_roles: ['security'] as const }
    gate = await memoryGate({ now: () => time, lockdownUndo: 'two', issuers: [patients, staff] }, idp)
    const epoch = await lock('everything')
    expect(await undo(epoch)).toBe('proposed')
    expect(await undo(epoch, 'analyst-1', { ...security, aud: 'staff' })).toBe('proposed')
    expect(await undo(epoch, 'analyst-2', { ...security, aud: 'staff' })).toBe('undone')
  })

  test('are not one person before and after the pseudonym key was replaced', async () => {
    const [before, after] = ['a'.repeat(32), 'b'.repeat(32)]
    const { idp } = gate
    const control = createMemoryControl(() => time)
    const options = { now: () => time, lockdownUndo: 'two', control } as const
    gate = await memoryGate({ ...options, pseudonymKey: before }, idp)
    const epoch = await lock('everything')
    expect(await undo(epoch)).toBe('proposed')
    gate = await memoryGate({ ...options, pseudonymKey: [after, before] }, idp)
    expect(await undo(epoch)).toBe('proposed')
    expect(await undo(epoch, 'analyst-2')).toBe('undone')
  })

  /** Has each of several calls see the lockdowns as they were before the others did anything. */
  function meet(count: number): void {
    const { list } = gate.control
    let missing = count
    let open = () => {}
    const opened = new Promise<void>(resolve => {
      open = resolve
    })
    vi.spyOn(gate.control, 'list').mockImplementation(async () => {
      const lockdowns = await list()
      missing -= 1
      if (missing === 0) open()
      await opened
      return lockdowns
    })
  }

  test('who ask at once undo no more than what is on record', async () => {
    const epoch = await lock('everything')
    meet(2)
    expect(await Promise.all([undo(epoch), undo(epoch, 'analyst-2')])).toEqual(['proposed', 'proposed'])
    vi.restoreAllMocks()
    expect(await play()).toBe(403)
    const states = [await undo(epoch), await undo(epoch, 'analyst-2')]
    expect(states).toContain('undone')
    expect((await gate.events('lockdown')).filter(({ action }) => action === 'undo')).toHaveLength(1)
  })

  test('are not one person whose two calls come at once', async () => {
    const { idp } = gate
    const staff = idp.entry({ name: 'staff', owns: false, audience: 'staff', allowed_roles: ['security'] })
    const patients = { ...idp.entry({ name: 'patients' }), allowed_roles: ['security'] as const }
    gate = await memoryGate({ now: () => time, lockdownUndo: 'two', issuers: [patients, staff] }, idp)
    const epoch = await lock('everything')
    expect(await undo(epoch, 'analyst-2')).toBe('proposed')
    meet(2)
    const calls = [undo(epoch), undo(epoch, 'analyst-1', { ...security, aud: 'staff' })]
    expect((await Promise.all(calls)).sort()).toEqual(['undone', 'unknown'])
    vi.restoreAllMocks()
  })

  test('agree to a proposal that is still there, and if not, that is on record', async () => {
    const epoch = await lock('everything')
    expect(await undo(epoch, 'analyst-2')).toBe('proposed')
    const real = gate.control.undo
    vi.spyOn(gate.control, 'undo').mockImplementation(async (epoch, undoing) => {
      // Another proposal of the same person takes the place of the one that was seen.
      await real(epoch, { ...undoing, onlyProposes: true })
      return real(epoch, undoing)
    })
    expect(await undo(epoch)).toBe('proposed')
    vi.restoreAllMocks()
    const actions = (await gate.events('lockdown')).map(({ action }) => action)
    expect(actions.slice(-2)).toEqual(['undo', 'propose_undo'])
    expect(await play()).toBe(403)
  })

  test('one person undoes what is narrow', async () => {
    expect(await undo(await lock('recording', 'rec-1'))).toBe('undone')
  })
})

describe('roles', () => {
  const roles = (role: string): JWTPayload => ({ roles: [role] })
  beforeEach(async () => {
    const { idp } = gate
    const issuers = [{ ...idp.entry(), allowed_roles: ['security', 'analyst', 'viewer'] as const }]
    gate = await memoryGate({ now: () => time, issuers }, idp)
  })

  test.each(['analyst', 'viewer'])('%s reads and locks nothing', async role => {
    const asked = { scope: 'everything', reason: 'why' }
    expect((await post('/console/api/lockdowns/add', asked, roles(role))).status).toBe(404)
    expect((await gate.ask('x', '/console/api/lockdowns', { claims: roles(role) })).status).toBe(200)
    expect((await gate.ask('x', '/console/api/denials', { claims: roles(role) })).status).toBe(200)
    expect(await play()).toBe(200)
  })

  test('a token of the only issuer reads nothing by the role viewer unless the configuration names it', async () => {
    gate = await memoryGate({ now: () => time })
    expect((await gate.ask('x', '/console/api/denials', { claims: roles('viewer') })).status).toBe(404)
  })
})

test.each<[object, RegExp]>([
  [{}, /scope must be one of/],
  [{ scope: 'token', value: 'psn_1', reason: 'x' }, /scope must be one of/],
  [{ scope: 'recording', reason: 'x' }, /value must be a recording's id/],
  [{ scope: 'subject', value: 'patient-1', reason: 'x' }, /value must be a pseudonym/],
  [{ scope: 'everything', value: 'x', reason: 'x' }, /left out/],
  [{ scope: 'everything' }, /reason must say why/],
  [{ scope: 'everything', reason: ' ' }, /reason must say why/],
  [{ scope: 'everything', reason: 'x', until: '2020-01-01T00:00:00Z' }, /a time to come/],
  [{ scope: 'recording', value: 'rec-1', reason: 'x', uploads: true }, /uploads/],
  [{ scope: 'everything', reason: 'x', tenant: 'north' }, /not known/],
  [{ scope: 'everything', reason: 'x', finding: 'f' }, /id of a finding/],
])('a call that says %o is refused, and says what to write', async (call, detail) => {
  const response = await post('/console/api/lockdowns/add', call)
  expect(response.status).toBe(400)
  expect(((await response.json()) as { detail: string }).detail).toMatch(detail)
  expect(await play()).toBe(200)
})

test('an analyst of one tenant stops its own tenant, and sees and undoes no other lockdown', async () => {
  const { idp } = gate
  gate = await memoryGate({ now: () => time, issuers: [{ ...idp.entry(), tenant_claim: 'tenant' }] }, idp)
  const north: JWTPayload = { roles: ['security'], tenant: 'north' }
  const response = await post('/console/api/lockdowns/add', { scope: 'everything', reason: 'x' }, north)
  const { epoch } = (await response.json()) as { epoch: number }
  expect(await gate.control.list()).toMatchObject([{ scope: 'everything', tenant: 'north' }])
  const south: JWTPayload = { roles: ['security'], tenant: 'south' }
  const seen = await gate.ask('x', '/console/api/lockdowns', { claims: south })
  expect(await seen.json()).toEqual({ lockdowns: [] })
  expect((await post('/console/api/lockdowns/undo', { epoch, reason: 'x' }, south)).status).toBe(400)
})

test('a ticket that was asked for under a release ends with it, whatever its player says', async () => {
  const response = await gate.ask('patient-1', `${OWN}/ticket`, {
    method: 'POST',
    headers: { 'mediaward-app-release': '4.12.0' },
  })
  const { pathname } = new URL(((await response.json()) as { url: string }).url)
  expect((await gate.fetch(pathname)).status).toBe(200)
  await lock('release', '4.12.0')
  expect((await gate.fetch(pathname, { headers: { 'mediaward-app-release': '4.11.0' } })).status).toBe(403)
  expect((await gate.events('access')).at(-1)).toMatchObject({ reason: 'release_frozen', release: '4.12.0' })
  expect((await gate.events('access')).at(-1)).not.toHaveProperty('release_proven')
})
